"""Several adjudicators of one item: each one's decision is their own."""

from itertools import permutations

import orjson
import pytest

from assay_services.consensus.core.item_state import load_item
from assay_services.engine.core.core_api import Entry
from tests.services.consensus.records import ARecord, Fed, a_validated

TIMES = {"anna": "2026-11-24T12:00:00Z", "ben": "2026-11-24T12:05:00Z"}


def decision(who: str, label: str) -> ARecord:
    return a_validated(annotator=who, kind="adjudicator", label=label, occurred_at=TIMES[who], id=f"{who}-1")


def taken_back(who: str) -> ARecord:
    return a_validated(
        annotator=who, kind="adjudicator", action="deleted", occurred_at="2026-11-24T12:30:00Z", id=f"{who}-2"
    )


def test_a_decision_stands_when_another_adjudicator_takes_theirs_back() -> None:
    fed = Fed()
    fed.hear(decision("anna", "safe"), decision("ben", "scam"), taken_back("anna"))

    assert (fed.newest()["label"], fed.newest()["status"]) == ("scam", "adjudicated")


def test_the_earlier_decision_returns_when_the_later_one_is_taken_back() -> None:
    fed = Fed()
    fed.hear(decision("anna", "safe"), decision("ben", "scam"))
    fed.hear(taken_back("ben"))

    assert (fed.newest()["label"], fed.newest()["status"]) == ("safe", "adjudicated")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_arrival_does_not_matter(order: tuple[int, ...]) -> None:
    records = [decision("anna", "safe"), decision("ben", "scam"), taken_back("ben")]
    fed = Fed()
    for place in order:
        fed.hear(records[place])

    assert fed.newest()["label"] == "safe"


def test_a_decision_that_an_earlier_version_stored_without_its_author_stays_until_a_newer_one() -> None:
    before = Fed()
    before.hear(decision("anna", "safe"))
    fields = orjson.loads(before.state.get(b"i:ads-safety:i1") or b"")
    fields[4] = fields[16]["anna"]
    before.state.apply({b"i:ads-safety:i1": Entry(0, orjson.dumps(fields[:16]))})
    fed = Fed(state=before.state)

    fed.hear(a_validated(annotator="c", label="scam"))
    assert fed.newest()["label"] == "safe"
    fed.hear(decision("ben", "adult"))
    assert fed.newest()["label"] == "adult"
    assert load_item(fed.state.get(b"i:ads-safety:i1") or b"").unsigned_decision is None
