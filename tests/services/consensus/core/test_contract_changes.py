"""A new version of a contract with other labels: open items are judged under it, and no label of the old one stays."""

from collections.abc import Iterator
from typing import Any

import pytest

from assay_schemas.contract.label_contract import LabelContract
from assay_services.consensus.core.step import ConsensusCore
from assay_services.engine.core.core_api import Entry
from assay_services.engine.core.state import PartitionState
from tests.services.consensus.records import ALONE, BEGAN_MS, DAY_MS, ARecord, Fed, a_crowd, a_validated
from tests.support.builders import a_contract


def version(number: int, *values: str) -> LabelContract:
    return a_contract(version=number, label={"kind": "categorical", "values": list(values)})


def votes(label: Any, *, items: int = 10, annotators: str = "abc") -> Iterator[ARecord]:  # noqa: ANN401  # any label
    for item in range(items):
        for who in annotators:
            yield a_validated(item=f"i{item}", annotator=who, label=label)


def newest(fed: Fed) -> dict[str, Any]:
    return {said["item"]: said for said in fed.values("items.consensus") if said is not None}


def test_votes_for_a_label_that_is_gone_do_not_count_and_the_item_is_published_anew() -> None:
    fed = Fed(version(1, "red", "green", "blue"))
    fed.hear(*votes("blue"))
    fed.adopt(version(2, "red", "green"))

    fed.hear(a_validated(item="i0", annotator="d", label="red"))
    fed.rest()

    found = newest(fed)
    assert found["i0"]["label"] == "red"
    assert found["i0"]["votes"] == 1
    assert {(found[f"i{n}"]["label"], found[f"i{n}"]["status"]) for n in range(1, 10)} == {(None, "empty")}
    assert {one["contract_version"] for one in found.values()} == {2}


def test_votes_count_again_when_the_label_returns() -> None:
    fed = Fed(version(1, "red", "green", "blue"))
    fed.hear(*votes("blue"))
    for again in (version(2, "red", "green"), version(3, "red", "green", "blue")):
        fed.adopt(again)
        fed.rest()
        fed.hear(a_validated(item="other", annotator="d", label="red", id=f"o{again.version}"))

    assert (newest(fed)["i3"]["label"], newest(fed)["i3"]["votes"]) == ("blue", 3)


def test_another_kind_of_label_starts_over_with_its_own_votes() -> None:
    fed = Fed(version(1, "red", "green"))
    fed.hear(*votes("red"))
    fed.adopt(a_contract("ordinal", version=2))

    fed.hear(*(a_validated(item="i0", annotator=who, label=label) for who, label in (("d", 4), ("e", 4), ("f", 4))))
    fed.rest()

    found = newest(fed)
    assert (found["i0"]["label"], found["i0"]["votes"], found["i0"]["contract_version"]) == (4, 3, 2)
    assert found["i1"]["label"] is None


@pytest.mark.parametrize("restart", [False, True])
def test_a_change_while_the_worker_is_down_is_the_same(*, restart: bool) -> None:
    fed = Fed(version(1, "red", "green", "blue"))
    fed.hear(*votes("blue"))
    if restart:
        fed = Fed(version(2, "red", "green"), state=fed.state)
    else:
        fed.adopt(version(2, "red", "green"))
    fed.rest()

    assert newest(fed)["i4"]["label"] is None


def test_what_annotators_taught_survives_a_label_more_and_not_another_kind() -> None:
    fed = Fed(version(1, "safe", "adult", "scam"))
    fed.hear(*a_crowd(items=30, annotators=4, wrong=[3]))
    fed.adopt(version(2, "safe", "adult", "scam", "new"))
    fed.rest()
    kept = [one for one in fed.values("annotators.reliability") if one["annotator"] == "w3"][-1]

    assert kept["accuracy"] < 0.5
    again = Fed(a_contract("ordinal", version=3), state=fed.state)
    again.rest()
    assert not again.values("annotators.reliability")


def test_a_withdrawn_contract_stops_nothing_and_a_returned_one_goes_on() -> None:
    fed, other = Fed(version(1, "red", "green")), a_contract(project="other")
    fed.adopt(other)
    fed.hear(*votes("red"))
    del fed.projects[version(1, "red", "green").project]

    fed.rest()
    fed.hear(a_validated(project="other", item="x"))
    fed.adopt(version(1, "red", "green"))
    fed.hear(a_validated(item="i0", annotator="d", label="red"))

    assert newest(fed)["i0"]["votes"] == 4
    assert newest(fed)["x"]["label"] == "safe"


def test_gold_that_is_no_label_is_not_the_truth() -> None:
    fed = Fed(version(1, "bug", "feature"))
    fed.hear(*(a_validated(item="i0", annotator=who, label="bug", gold="Bug") for who in "abc"))

    assert (fed.newest()["label"], fed.newest()["votes"]) == ("bug", 3)
    assert fed.newest()["status"] != "gold"
    assert not fed.values("annotations.corrected")


def test_a_decision_for_a_label_that_is_gone_is_set_aside_and_comes_back() -> None:
    decided = {"annotator": "anna", "kind": "adjudicator", "item": "i0"}
    fed = Fed(version(1, "red", "green", "blue"))
    fed.hear(*votes("red", items=1), a_validated(label="blue", id="d1", **decided))
    fed.adopt(version(2, "red", "green"))
    fed.rest()
    without = newest(fed)["i0"]
    fed.hear(a_validated(label="green", id="d0", occurred_at="2020-01-01T00:00:00Z", **decided))
    fed.adopt(version(3, "red", "green", "blue"))
    fed.rest()

    assert (without["label"], without["status"]) == ("red", without["status"])
    assert without["status"] != "adjudicated"
    assert (newest(fed)["i0"]["label"], newest(fed)["i0"]["status"]) == ("blue", "adjudicated")


def test_a_closed_item_stays_as_it_was_settled_until_an_annotation_opens_it() -> None:
    fed = Fed(version(1, "red", "green", "blue"))
    fed.hear(*votes("blue", items=1))
    fed.hear(a_validated(item="other", annotator="x", label="red", at=BEGAN_MS + 90 * DAY_MS))
    fed.adopt(version(2, "red", "green"))
    fed.rest()
    settled = newest(fed)["i0"]["label"]
    later = BEGAN_MS + 91 * DAY_MS
    fed.hear(a_validated(item="i0", annotator="d", label="red", at=later, occurred_at="2027-06-01T00:00:00Z"))

    assert settled == "blue"
    assert (newest(fed)["i0"]["label"], newest(fed)["i0"]["votes"]) == ("red", 1)


def test_the_items_of_a_parked_project_stay_as_they_are() -> None:
    fed = Fed(version(1, "red", "green"))
    fed.adopt(a_contract(project="other"))
    fed.hear(*votes("red", items=3))
    before = {key: value for key, value in fed.state.values() if key.startswith(b"i:")}
    live = {name: project for name, project in fed.projects.items() if name == "other"}
    core = ConsensusCore(live, fed.pool, ALONE, fed.state, parked=("ads-safety",))

    step = core.step(fed.state, [a_validated(project="other", item="x", at=BEGAN_MS + 90 * DAY_MS)])
    fed.state.apply(step.changes)

    assert {key: fed.state.get(key) for key in before} == before
    assert not fed.state.due(BEGAN_MS + 90 * DAY_MS, limit=9)


def test_an_item_of_an_older_key_moves_to_the_one_that_is_only_its_own() -> None:
    contract = a_contract(project="ads:eu")
    fed = Fed(contract)
    fed.hear(a_validated(project="ads:eu", item="i1", annotator="a"), a_validated(project="ads:eu", annotator="b"))
    stored = fed.state.get(b"i:ads%3Aeu:i1") or b""
    old = PartitionState()
    old.apply({b"i:ads:eu:i1": Entry(BEGAN_MS, stored)})
    again = Fed(contract, state=old)

    again.hear(a_validated(project="ads:eu", item="i1", annotator="c"))
    again.rest()

    assert again.newest()["votes"] == 3
    assert again.state.get(b"i:ads:eu:i1") is None
    assert again.state.get(b"i:ads%3Aeu:i1") is not None


def test_counts_of_another_form_are_not_read_two_versions_later() -> None:
    fed = Fed(a_contract("multilabel", version=1))
    fed.hear(*(a_validated(item=f"m{n}", annotator=who, label=["safe"]) for n in range(4) for who in "abc"))
    fed.hear(a_validated(item="late", annotator="a", label=["safe"], at=BEGAN_MS + 90 * DAY_MS))
    assert any(key.startswith(b"k:") for key, _ in fed.state.values())

    for number, kind in ((2, "categorical"), (3, "pairwise")):
        fed = Fed(a_contract(kind, version=number), state=fed.state)
        fed.rest()

    assert not [key for key, _ in fed.state.values() if key.startswith(b"k:") and b'"b"' in key]
