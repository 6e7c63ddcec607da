"""How sure an item can get, by the contract alone, is what the model itself cannot exceed."""

import pytest

from assay_models.truth.factory import make_truth
from assay_models.truth.label_form import most_certain, truth_form
from assay_models.truth.truth_model import GivenLabel, ItemFacts
from assay_schemas.annotation import AnnotatorId
from tests.support.builders import LABELS, a_contract


@pytest.mark.parametrize("count", [2, 4, 12])
def test_a_thousand_annotators_who_agree_come_close_to_the_bound_and_stay_below(count: int) -> None:
    contract = a_contract(label={"values": [f"l{n}" for n in range(count)]})
    truth = make_truth(contract)
    for item in range(60):
        ballots = {AnnotatorId(f"w{who}"): GivenLabel(f"l{item % count}") for who in range(1_000 if item == 0 else 5)}
        truth.put(item, ItemFacts(ballots))
    truth.settle()
    truth.sweep(60)

    found = truth.settle(sweep=60) or truth.sweep(60)
    most = most_certain(contract)

    assert most is not None
    assert all((one.probability or 0) <= most + 1e-6 for one in found.values())
    assert most == pytest.approx(0.94 + 0.06 / count)


def test_only_classes_have_the_bound() -> None:
    contracts = {kind: a_contract(kind) for kind in LABELS}

    assert {kind for kind, one in contracts.items() if most_certain(one) is not None} == {
        "categorical", "pairwise", "ordinal",
    }  # fmt: skip
    assert {truth_form(one) for one in contracts.values()} == {"classes", "multilabel", "spans", "boxes"}
    assert truth_form(a_contract("ordinal", label={"high": 100})) == "numbers"
