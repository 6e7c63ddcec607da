"""What the consensus says of items: status, corrections and retractions, reviews."""

from datetime import timedelta

import pytest

from assay_schemas.consensus import Consensus, Correction, ReviewRequest
from assay_services.engine.core.core_api import NotYet
from tests.services.consensus.records import ARecord, Fed, a_crowd, a_validated
from tests.support.builders import NOW, a_contract


def later(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


def test_an_item_is_open_until_it_is_complete_and_then_accepted() -> None:
    fed = Fed()
    fed.hear(*a_crowd(items=40, annotators=3))

    said = []
    for who in ("w0", "w1", "w2"):
        fed.hear(a_validated(item="i1", annotator=who, label="safe"))
        said.append(fed.newest())

    assert [(one["status"], one["label"], one["votes"]) for one in said] == [
        ("open", "safe", 1),
        ("open", "safe", 2),
        ("accepted", "safe", 3),
    ]
    assert said[0]["probability"] < said[1]["probability"] < said[2]["probability"]
    assert all(Consensus.model_validate(one) for one in fed.values("items.consensus"))


def test_an_annotation_that_is_very_probably_wrong_is_corrected_once() -> None:
    fed = Fed()
    fed.hear(*a_crowd(items=60, annotators=5))

    fed.hear(*(a_validated(item="i1", annotator=f"w{n}", label="safe") for n in range(4)))
    fed.hear(a_validated(item="i1", annotator="w4", label="scam"))
    fed.hear(a_validated(item="i1", annotator="w5", label="safe"))

    (correction,) = [Correction.model_validate(one) for one in fed.values("annotations.corrected")]
    assert (correction.item, correction.annotator, correction.annotation) == ("i1", "w4", "i1-w4")
    assert (correction.was, correction.label, correction.retracts) == ("scam", "safe", None)
    assert correction.probability is not None
    assert correction.probability >= 0.95


def test_a_correction_is_taken_back_when_an_adjudicator_sees_it_otherwise() -> None:
    fed = Fed()
    fed.hear(*a_crowd(items=60, annotators=5))
    fed.hear(*(a_validated(item="i1", annotator=f"w{n}", label="safe") for n in range(4)))
    fed.hear(a_validated(item="i1", annotator="w4", label="scam"))

    fed.hear(a_validated(item="i1", annotator="chief", kind="adjudicator", label="scam"))

    correction, *rest = fed.values("annotations.corrected")
    retraction = next(one for one in rest if one["retracts"])
    assert retraction["retracts"] == correction["id"]
    assert (retraction["annotator"], retraction["annotation"], retraction["label"]) == ("w4", "i1-w4", "scam")
    assert {one["annotator"] for one in rest if not one["retracts"]} == {"w0", "w1", "w2", "w3"}
    assert len({one["id"] for one in (correction, *rest)}) == len(rest) + 1
    assert fed.newest()["status"] == "adjudicated"


def test_an_item_goes_back_to_its_votes_when_the_adjudicator_takes_the_word_back() -> None:
    fed = Fed()
    fed.hear(*(a_validated(item="i1", annotator=f"w{n}", label="safe") for n in range(3)))
    fed.hear(a_validated(item="i1", annotator="chief", kind="adjudicator", label="scam"))

    fed.hear(
        a_validated(item="i1", annotator="chief", kind="adjudicator", action="deleted", occurred_at=later(1)),
        a_validated(item="i1", annotator="chief", kind="adjudicator", label="adult", occurred_at=later(-9)),
    )

    assert fed.newest()["status"] in {"accepted", "disputed"}
    assert fed.newest()["label"] == "safe"


def test_a_correction_of_an_annotation_that_is_changed_is_taken_back() -> None:
    fed = Fed()
    fed.hear(*a_crowd(items=60, annotators=5))
    fed.hear(*(a_validated(item="i1", annotator=f"w{n}", label="safe") for n in range(4)))
    fed.hear(a_validated(item="i1", annotator="w4", label="scam"))

    fed.hear(a_validated(item="i1", annotator="w4", id="again", label="safe", occurred_at=later(1)))

    _, retraction = fed.values("annotations.corrected")
    assert retraction["retracts"]
    assert (retraction["annotation"], retraction["was"]) == ("i1-w4", "scam")
    assert "changed or withdrawn" in retraction["reason"]


def test_gold_settles_an_item_and_corrects_whoever_missed_it() -> None:
    fed = Fed()

    fed.hear(a_validated(item="i1", annotator="w1", label="safe", gold="scam"))

    assert (fed.newest()["status"], fed.newest()["label"]) == ("gold", "scam")
    (correction,) = fed.values("annotations.corrected")
    assert (correction["was"], correction["label"]) == ("safe", "scam")
    assert correction["reason"] == "the right label is known"


def test_a_disputed_item_asks_for_a_review_until_it_is_settled() -> None:
    fed = Fed()
    for who, label in enumerate(("safe", "adult", "scam")):
        fed.hear(a_validated(item="i1", annotator=f"w{who}", label=label))

    asked = fed.newest("items.review")
    fed.hear(a_validated(item="i1", annotator="chief", kind="adjudicator", label="scam"))

    assert ReviewRequest.model_validate(asked).votes == 3
    assert 0 < asked["priority"] < 1
    assert fed.newest("items.review") is None


def test_an_accepted_item_asks_for_a_review_where_one_more_annotation_would_say_much() -> None:
    eager = Fed(a_contract(consensus={"accept_at": 0.5, "review_gain": 0.01}))
    content = Fed(a_contract(consensus={"accept_at": 0.5, "review_gain": 0.5}))

    for fed in (eager, content):
        for who, label in enumerate(("safe", "safe", "scam")):
            fed.hear(a_validated(item="i1", annotator=f"w{who}", label=label))

    assert eager.newest()["status"] == content.newest()["status"] == "accepted"
    assert eager.newest("items.review")["reason"].startswith("one more annotation would say much")
    assert not content.values("items.review")


def test_an_item_whose_annotations_are_all_withdrawn_is_empty() -> None:
    fed = Fed()
    fed.hear(a_validated(item="i1", annotator="w1"), a_validated(item="i1", annotator="w2"))

    fed.hear(
        a_validated(item="i1", annotator="w1", action="deleted", label=None, occurred_at=later(1)),
        a_validated(item="i1", annotator="w2", action="skipped", label=None, occurred_at=later(1)),
    )

    assert (fed.newest()["status"], fed.newest()["label"], fed.newest()["votes"]) == ("empty", None, 0)


def test_what_is_older_than_what_is_known_is_superseded() -> None:
    fed = Fed()
    fed.hear(a_validated(label="safe", occurred_at=later(2)))
    fed.hear(a_validated(annotator="gone", action="deleted", label=None, occurred_at=later(2)))

    step = fed.hear(
        a_validated(label="scam", occurred_at=later(1)),
        a_validated(label="scam", occurred_at=later(2)),
        a_validated(annotator="gone", label="scam", occurred_at=later(1)),
    )

    assert step.verdicts == {"superseded": 3}
    assert fed.newest()["label"] == "safe"


def test_bytes_that_no_validator_wrote_are_counted_and_harm_nothing() -> None:
    fed = Fed()

    step = fed.hear(ARecord(None), ARecord(b"?"), ARecord(b"[]"), ARecord(b'{"annotation": 3}'), a_validated())

    assert step.verdicts == {"unreadable": 4, "absorbed": 1}


def test_a_project_without_a_contract_is_waited_for_once() -> None:
    fed = Fed()
    stranger = a_validated(project="stranger")

    with pytest.raises(NotYet, match="stranger"):
        fed.hear(stranger)
    step = fed.hear(stranger, a_validated())

    assert step.verdicts == {"no-contract": 1, "absorbed": 1}


def test_the_consistency_model_is_heard_where_it_has_shown_to_be_right() -> None:
    fed = Fed()
    sure = {"label_probability": 0.97, "predicted": "safe", "predicted_probability": 0.97, "below_threshold": False}
    unsure = sure | {"label_probability": 0.02}
    for number in range(200):
        for who in range(3):
            lies = who == 2 and number % 3 == 0
            label, score = ("scam", unsure) if lies else ("safe", sure)
            fed.hear(a_validated(item=f"c{number}", annotator=f"w{who}", label=label, score=score))

    fed.hear(a_validated(item="i1", annotator="new", label="scam", score=unsure))

    assert fed.newest()["label"] == "safe"


@pytest.mark.parametrize(
    "written",
    ["2026-11-24T12:00:00Z", "2026-11-24 12:00:00.1234567+00:00", "2026-11-24T12:00Z", "2026-11-24t12:00:00z"],
)
def test_every_time_that_the_validator_reads_is_read_here(written: str) -> None:
    fed = Fed()

    step = fed.hear(a_validated(occurred_at=written))

    assert step.verdicts == {"absorbed": 1}


def test_the_same_batches_give_the_same_words() -> None:
    one, other = Fed(), Fed()

    for fed in (one, other):
        fed.hear(*a_crowd(items=30, annotators=4, wrong=(3,)))
        fed.rest()

    assert one.said == other.said
    assert one.core.is_converged
    assert a_contract().consensus.correct_votes == 3


def test_the_newest_word_of_an_adjudicator_counts() -> None:
    fed = Fed()

    fed.hear(
        a_validated(annotator="chief", kind="adjudicator", label="scam", occurred_at=later(5)),
        a_validated(annotator="deputy", kind="adjudicator", label="safe", occurred_at=later(1)),
    )

    assert fed.newest()["label"] == "scam"


def test_a_correction_that_names_another_label_replaces_the_one_before() -> None:
    fed = Fed()
    fed.hear(a_validated(item="i1", annotator="w1", label="safe", gold="scam"))

    fed.hear(a_validated(item="i1", annotator="w2", label="adult", gold="adult"))

    said = [(one["annotator"], one["label"], bool(one["retracts"])) for one in fed.values("annotations.corrected")]
    assert said == [("w1", "scam", False), ("w1", "adult", True), ("w1", "adult", False)]
