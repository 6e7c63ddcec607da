"""One form for labels that are the same by the contract."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.rules.canonical_label import gold_reader, label_reader
from assay_models.rules.ruleset import compile_contract
from tests.models.rules.judged import findings
from tests.support.builders import GOOD, LABELS, a_contract, an_annotation, an_item

TENTHS = a_contract("ordinal", label={"low": 0, "high": 1, "step": 0.1})
CAFE = a_contract(label={"values": ["caf\u00e9", "bar"]})


@pytest.mark.parametrize(
    ("contract", "label", "canonical"),
    [
        (a_contract(), "safe", "safe"),
        (a_contract(), "Safe", None),
        (a_contract(), ["safe"], None),
        (CAFE, "cafe\u0301", "caf\u00e9"),
        (a_contract("pairwise"), "tie", "tie"),
        (a_contract("pairwise", label={"ties": False}), "tie", None),
        (a_contract("multilabel"), ["scam", "safe"], ["safe", "scam"]),
        (a_contract("multilabel"), [], []),
        (a_contract("multilabel"), ["safe", "safe"], None),
        (a_contract("multilabel"), ["safe", "adult", "scam"], None),
        (a_contract("multilabel"), "safe", None),
        (TENTHS, 0.30000000000000004, 0.3),
        (TENTHS, 1.0, 1),
        (TENTHS, 0.25, None),
        (TENTHS, 1.1, None),
        (a_contract("ordinal"), 3.0, 3),
        (a_contract("ordinal"), True, None),
        (a_contract("ordinal"), float("nan"), None),
        (a_contract("ordinal"), "3", None),
        (a_contract("ordinal", label={"step": None}), 2.5, 2.5),
        (a_contract("spans"), GOOD["spans"], GOOD["spans"]),
        (a_contract("spans"), [{"start": 0, "end": 4, "label": "animal"}], None),
        (a_contract("boxes"), [], []),
        (a_contract("boxes"), "car", None),
    ],
)
def test_a_label_has_one_form(contract: Any, label: Any, canonical: Any) -> None:  # noqa: ANN401  # any label
    found = label_reader(contract)(label)

    assert found == canonical
    assert type(found) is type(canonical)


@pytest.mark.parametrize(
    ("kind", "gold", "canonical"),
    [("multilabel", "scam", ["scam"]), ("multilabel", "bug", None), ("ordinal", "3", 3), ("ordinal", "three", None)],
)
def test_gold_is_read_as_people_write_it(kind: str, gold: str, canonical: Any) -> None:  # noqa: ANN401
    assert gold_reader(a_contract(kind))(gold) == canonical


@given(st.integers(0, 10), st.sampled_from([0.0, 1e-12, -1e-12]))
def test_every_step_of_a_tenth_is_found_in_its_noise(step: int, noise: float) -> None:
    assert label_reader(TENTHS)(min(1.0, max(0.0, step * 0.1 + noise))) == round(step / 10, 1)


@given(st.permutations(["safe", "adult", "scam"]))
def test_a_multilabel_has_the_order_of_the_contract(label: list[str]) -> None:
    contract = a_contract("multilabel", label={"max_count": 3})
    annotation = an_annotation(label=label, prelabel=label, item=an_item(gold=label))

    canonical = compile_contract(contract).canonical(annotation)

    assert canonical.label == canonical.prelabel == canonical.item.gold == ["safe", "adult", "scam"]


@pytest.mark.parametrize("kind", LABELS)
def test_a_canonical_annotation_is_not_copied(kind: str) -> None:
    annotation = an_annotation(label=GOOD[kind], item=an_item(gold=GOOD[kind]))

    assert compile_contract(a_contract(kind)).canonical(annotation) is annotation


@pytest.mark.parametrize(
    ("kind", "gold", "why"),
    [
        ("categorical", "Safe", "the gold label 'Safe' is not used: 'Safe' is not a label of this project; did the"),
        ("categorical", 3, "the gold label '3' is not used: the label is a number; this project wants a text"),
        ("ordinal", 7, "the gold label '7' is not used: 7 lies outside 1 to 5"),
        ("ordinal", "high", "the gold label 'high' is not used: the label is a text; this project wants a number"),
        ("multilabel", ["safe", "adult", "scam"], "is not used: 3 values are given; this project wants 0 to 2"),
        ("spans", "person", "is not used: the label is a text; this project wants a list of spans"),
    ],
)
def test_gold_that_is_no_label_is_flagged_and_nobody_missed_it(kind: str, gold: Any, why: str) -> None:  # noqa: ANN401
    found = findings(an_annotation(label=GOOD[kind], item=an_item(gold=gold)), a_contract(kind))

    assert [(one.rule, one.path, one.action.value) for one in found] == [("known-gold", "item.gold", "flag")]
    assert why in found[0].message


def test_a_label_that_only_looks_the_same_is_shown_with_what_differs() -> None:
    found = findings(an_annotation(label="ba\u200br"), CAFE)

    assert found[0].message == ("'ba[U+200B zero width space]r' looks like the label 'bar', which is written otherwise")
