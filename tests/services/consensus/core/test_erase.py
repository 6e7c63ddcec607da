"""What the consensus forgets of an item or an annotator, and what stays."""

from collections.abc import Mapping

import orjson

from assay_schemas.annotation import AnnotatorId
from assay_schemas.json_data import Json
from assay_services.consensus.core.closed_counts import closed_counts_key
from assay_services.consensus.core.erase import forget
from assay_services.consensus.core.item_state import ConsensusItem, StandingCorrection, Vote, load_item
from assay_services.engine.core.core_api import Entry
from assay_services.engine.core.erasure_request import Erasure, ErasureRequest
from assay_services.engine.core.state import PartitionState

WAKE_AT = 12_345
NOTHING: Mapping[str, Mapping[bytes, bytes]] = {
    "items.consensus": {},
    "items.review": {},
    "annotators.reliability": {},
    "annotators.counts": {},
}
A17 = ErasureRequest(is_item=False, project="p", name="a17")


def a_vote(occurred: int, annotation: str, label: str) -> Vote:
    return Vote(occurred, annotation, label, copied=False)


def an_item(name: str = "i", **changes: Json) -> ConsensusItem:
    votes = {AnnotatorId("a17"): a_vote(1, "x1", "safe"), AnnotatorId("b"): a_vote(2, "x2", "scam")}
    item = ConsensusItem("p", name, votes=votes)
    for field, value in changes.items():
        setattr(item, field, value)
    return item


def a_state(*items: ConsensusItem, kept: tuple[tuple[str, str], ...] = ()) -> PartitionState:
    state = PartitionState()
    state.apply({f"i:{one.project}:{one.item}".encode(): Entry(WAKE_AT, one.dump()) for one in items})
    state.apply({closed_counts_key(*who): Entry(WAKE_AT, orjson.dumps([*who, {"n": 1}])) for who in kept})
    return state


def after(state: PartitionState, change: Erasure) -> PartitionState:
    state.apply_stored(change.stored)
    return state


def the_item(state: PartitionState, key: bytes = b"i:p:i") -> ConsensusItem:
    return load_item(state.get(key) or b"")


def test_an_item_goes_with_its_consensus_and_its_review() -> None:
    published = {**NOTHING, "items.consensus": {b"p:i": b"{}", b"p:j": b"{}"}, "items.review": {b"p:i": b"{}"}}

    change = forget(a_state(an_item(), an_item("j")), published, ErasureRequest(is_item=True, project="p", name="i"))

    assert change.stored == {b"i:p:i": None}
    assert [(one.topic, one.key, one.value) for one in change.outputs] == [
        ("items.consensus", b"p:i", None),
        ("items.review", b"p:i", None),
    ]


def test_an_item_that_nothing_is_known_of_changes_nothing() -> None:
    assert not forget(a_state(), NOTHING, ErasureRequest(is_item=True, project="p", name="i"))


def test_an_annotators_vote_goes_and_the_item_is_spoken_of_anew() -> None:
    item = an_item(withdrawn_us={"a17": 5}, corrections_in_force={"a17": StandingCorrection("c", "x1", "safe", "scam")})
    state = a_state(item)
    published = {**NOTHING, "items.consensus": {b"p:i": b"{}"}, "items.review": {b"p:i": b"{}"}}

    change = forget(state, published, A17)

    found = the_item(after(state, change))
    assert list(found.votes) == ["b"]
    assert (found.withdrawn_us, found.corrections_in_force, found.published) == ({}, {}, None)
    assert [(one.topic, one.value) for one in change.outputs] == [("items.review", None)]
    assert state.due(WAKE_AT, limit=9) == [b"i:p:i"]


def test_an_item_with_nobody_elses_word_goes_altogether() -> None:
    change = forget(
        a_state(an_item(votes={AnnotatorId("a17"): a_vote(1, "x1", "safe")})),
        {**NOTHING, "items.consensus": {b"p:i": b"{}"}},
        A17,
    )

    assert change.stored == {b"i:p:i": None}
    assert [one.topic for one in change.outputs] == ["items.consensus"]


def test_a_decision_goes_with_its_adjudicator_and_that_of_another_stays() -> None:
    decisions = {"a17": a_vote(4, "x4", "scam"), "ben": a_vote(3, "x3", "safe")}
    state = a_state(an_item(decisions=decisions, votes={"b": a_vote(2, "x2", "scam")}))

    found = the_item(after(state, forget(state, NOTHING, A17)))

    assert found.adjudication == decisions["ben"]


def test_a_renamed_adjudicator_keeps_the_decision() -> None:
    state = a_state(an_item(decisions={"a17": a_vote(4, "x4", "scam")}, votes={}))

    found = the_item(after(state, forget(state, NOTHING, A17._replace(pseudonym="anonymous-1"))))

    assert list(found.decisions) == ["anonymous-1"]


def test_an_unsigned_decision_goes_where_it_is_known_to_be_theirs() -> None:
    word = a_vote(3, "x3", "safe")
    state = a_state(an_item(unsigned_decision=word, votes={"b": a_vote(2, "x2", "scam")}))

    unknown = forget(state, NOTHING, A17)
    known = forget(state, NOTHING, A17._replace(settled_by=frozenset({"x3"})))

    assert not unknown
    assert the_item(after(state, known)).adjudication is None


def test_an_annotator_is_only_forgotten_in_the_project_that_was_named() -> None:
    elsewhere = ConsensusItem("q", "i", votes={AnnotatorId("a17"): a_vote(1, "x1", "safe")})
    state = a_state(elsewhere, kept=(("q", "a17"), ("p", "a17"), ("p", "b")))

    named, everywhere = forget(state, NOTHING, A17), forget(state, NOTHING, A17._replace(project=None))

    assert set(named.stored) == {closed_counts_key("p", "a17")}
    assert set(everywhere.stored) == {closed_counts_key("p", "a17"), closed_counts_key("q", "a17"), b"i:q:i"}


def test_under_a_pseudonym_everything_goes_on_as_it_was() -> None:
    item = an_item(corrections_in_force={"a17": StandingCorrection("c", "x1", "safe", "scam")})
    state = a_state(item, an_item("j", votes={"b": a_vote(2, "x2", "scam")}), kept=(("p", "a17"),))
    counts = {"project": "p", "annotator": "a17", "partition": 0, "learned": {"n": 1}}
    published = {
        **NOTHING,
        "annotators.counts": {orjson.dumps(["p", "a17", 0]): orjson.dumps(counts)},
        "annotators.reliability": {
            b"p:a17": orjson.dumps({"project": "p", "annotator": "a17", "accuracy": 0.9}),
            b"p:b": orjson.dumps({"project": "p", "annotator": "b", "accuracy": 0.9}),
        },
    }

    change = forget(state, published, A17._replace(pseudonym="anonymous-1"))

    found = after(state, change)
    assert set(the_item(found).votes) == {"anonymous-1", "b"}
    assert set(the_item(found).corrections_in_force) == {"anonymous-1"}
    assert orjson.loads(found.get(closed_counts_key("p", "anonymous-1")) or b"") == ["p", "anonymous-1", {"n": 1}]
    assert found.get(closed_counts_key("p", "a17")) is None
    assert b"i:p:j" not in change.stored
    assert [(one.topic, one.key, one.value is None) for one in change.outputs] == [
        ("annotators.reliability", b"p:a17", True),
        ("annotators.reliability", b"p:anonymous-1", False),
        ("annotators.counts", orjson.dumps(["p", "a17", 0]), True),
        ("annotators.counts", orjson.dumps(["p", "anonymous-1", 0]), False),
    ]


def test_what_was_published_of_a_forgotten_annotator_is_withdrawn() -> None:
    about = orjson.dumps({"project": "p", "annotator": "a17"})

    change = forget(a_state(), {**NOTHING, "annotators.reliability": {b"p:a17": about}}, A17)

    assert [(one.key, one.value) for one in change.outputs] == [(b"p:a17", None)]


def test_state_of_other_kinds_is_left_alone() -> None:
    state = PartitionState()
    state.apply({b"?": Entry(1, b"")})

    assert not forget(state, NOTHING, A17)
