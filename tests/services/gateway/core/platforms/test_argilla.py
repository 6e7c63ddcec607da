"""Argilla's events, and its polled records."""

from datetime import timedelta
from typing import Any

import pytest

from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeContext,
    DecodeResult,
    EarlierAnnotation,
    Fetch,
    FetchTarget,
    Nothing,
    Rejected,
)
from assay_services.gateway.core.platforms.argilla import decode, decode_record, item_id
from tests.services.gateway.payloads import argilla_hook, asked, sent
from tests.support.builders import NOW

KNOWN = EarlierAnnotation("9b2e", "u-ada", "d5aa", NOW - timedelta(minutes=1))


def decoded(body: object, asking: DecodeContext | None = None) -> DecodeResult:
    return decode(sent(body), asking or asked())


def one_of(body: object, asking: DecodeContext | None = None) -> dict[str, Any]:
    outcome = decoded(body, asking)
    assert isinstance(outcome, Annotations), outcome
    (found,) = outcome.annotations
    return found.model_dump(mode="json")


def answered(value: object, **values: object) -> dict[str, Any]:
    return argilla_hook(values={"sentiment": {"value": value}} | {name: {"value": one} for name, one in values.items()})


def test_a_submitted_response_becomes_an_annotation() -> None:
    found = one_of(argilla_hook())

    assert found["action"] == "updated"
    assert found["project"] == "d5aa"
    assert found["item"]["id"] == "9b2e"
    assert found["item"]["text"] == "The delivery was late"
    assert found["item"]["attributes"] == {"external_id": "T-1", "lang": "en"}
    assert found["annotator"]["id"] == "u-ada"
    assert found["label"] == "neg"
    assert found["occurred_at"] == "2026-11-24T03:00:02.300000Z"
    assert found["created_at"] == "2026-11-24T02:59:00.000001Z"
    assert found["source"] == {"platform": "argilla", "project": "d5aa", "annotation": "3c1f"}


def test_a_draft_says_nothing_and_its_submission_is_an_annotation() -> None:
    assert decoded(argilla_hook("response.created", status="draft")) == Nothing("a draft")
    assert one_of(argilla_hook("response.updated"))["label"] == "neg"


def test_a_discarded_response_is_a_skip() -> None:
    found = one_of(argilla_hook(status="discarded", values=None))

    assert (found["action"], found["label"]) == ("skipped", None)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (4, 4),
        (2.5, 2.5),
        (["a", "b"], ["a", "b"]),
        ([], []),
        (None, None),
        ([{"start": 0, "end": 3, "label": "A", "score": 1}], [{"start": 0, "end": 3, "label": "A"}]),
    ],
)
def test_answers_of_each_kind_are_labels(value: object, label: object) -> None:
    assert one_of(answered(value))["label"] == label


@pytest.mark.parametrize("value", [{"a": 1}, [{"value": "a", "rank": 1}], [1], True])
def test_a_ranking_and_the_like_are_not_read(value: object) -> None:
    assert "'sentiment'" in rejected(answered(value))


def rejected(body: object, asking: DecodeContext | None = None) -> str:
    outcome = decoded(body, asking)
    assert isinstance(outcome, Rejected), outcome
    return outcome.reason


def test_of_several_questions_the_first_counts_unless_one_is_named() -> None:
    hook = answered("neg", urgency=3)

    outcome = decoded(hook)

    assert isinstance(outcome, Annotations)
    assert outcome.annotations[0].label == "neg"
    assert "of the questions 'sentiment', 'urgency'" in outcome.problems[0]
    assert one_of(hook, asked(controls=("urgency",)))["label"] == 3
    assert "none of the questions" in rejected(hook, asked(controls=("gone",)))


def test_a_text_alone_is_a_label_and_no_answer_is_none() -> None:
    assert one_of(argilla_hook(values={"note": {"value": "late"}}))["label"] == "late"
    assert one_of(argilla_hook(values={}))["label"] is None


def test_a_record_without_questions_and_field_named_text_is_read_as_it_is() -> None:
    record = {"id": "9b2e", "fields": {"body": "Hello"}, "dataset": {"id": "d5aa", "questions": ["…"]}}

    found = one_of(argilla_hook(record=record))

    assert (found["item"]["text"], found["label"]) == ("Hello", "neg")


def test_settings_name_the_items_own_id() -> None:
    found = one_of(argilla_hook(), asked(item_field="external_id"))

    assert found["item"]["id"] == "T-1"
    assert found["item"]["attributes"] == {"lang": "en"}
    assert "'gone'" in rejected(argilla_hook(), asked(item_field="gone"))


def test_a_deleted_response_is_a_deletion_whether_it_is_known_or_not() -> None:
    body = argilla_hook("response.deleted")

    unknown, known = one_of(body), one_of(body, asked(known=lambda _: KNOWN))

    assert unknown["action"] == known["action"] == "deleted"
    assert unknown["id"] == known["id"]
    assert (unknown["item"]["id"], unknown["label"]) == ("9b2e", None)


def test_deletions_that_say_too_little_are_asked_for_or_nothing() -> None:
    assert decoded(argilla_hook("response.deleted", status="draft")) == Nothing("a draft")
    assert rejected(argilla_hook("response.deleted", id=None)) == "the response has no id"
    losses: list[dict[str, Any]] = [{"user": None}, {"record": {}}]
    for lost in losses:
        outcome = decoded(argilla_hook("response.deleted", **lost))

        assert isinstance(outcome, Fetch)
        assert outcome.wanted == (FetchTarget("annotation", "3c1f"),)


@pytest.mark.parametrize("kind", ["record.created", "record.updated", "record.deleted", "dataset.deleted"])
def test_records_are_fetched_since_responses_may_have_come_with_them(kind: str) -> None:
    outcome = decoded({"type": kind, "data": {"id": "x1"}})

    assert isinstance(outcome, Fetch)
    assert outcome.wanted == (FetchTarget(kind.partition(".")[0], "x1"),)
    assert "no id" in rejected({"type": kind, "data": {}})


def test_a_deleted_record_takes_its_known_responses_with_it() -> None:
    body = {"type": "record.deleted", "data": {"id": "9b2e", "dataset": {"id": "d5aa"}}}

    found = one_of(body, asked(known=lambda _: KNOWN, held=lambda _: ["3c1f"]))

    assert (found["action"], found["item"]["id"]) == ("deleted", "9b2e")


@pytest.mark.parametrize("kind", ["ping", "dataset.published", "record.completed"])
def test_other_events_are_nothing_to_do(kind: str) -> None:
    assert isinstance(decoded({"type": kind, "data": {}}), Nothing)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "no JSON"),
        ({}, "no 'type'"),
        ({"type": "response.exploded"}, "no event 'response.exploded'"),
        (argilla_hook(status="odd"), "none of draft, submitted, discarded"),
        (argilla_hook(status=["draft"]), "none of draft, submitted, discarded"),
        (argilla_hook(user=None), "it does not say its annotator"),
        (argilla_hook(record={}), "the record has no 'id'"),
    ],
)
def test_what_is_no_webhook_is_rejected_with_a_reason(body: object, reason: str) -> None:
    assert reason in rejected(body)


def test_a_polled_record_gives_the_same_annotation_as_its_webhook() -> None:
    hook = argilla_hook()
    response = {name: value for name, value in hook["data"].items() if name not in {"record", "user"}}
    draft, broken = response | {"status": "draft"}, response | {"user_id": None}
    record = hook["data"]["record"] | {"responses": [response | {"user_id": "u-ada"}, draft, broken]}

    polled = decode_record(record, hook["data"]["record"]["dataset"], asked())

    assert [one.model_dump(mode="json") for one in polled.annotations] == [one_of(hook)]
    assert polled.problems == ("response 3c1f: it does not say its annotator",)


def test_what_was_submitted_and_is_a_draft_again_is_taken_back() -> None:
    asking = asked(known=lambda _: KNOWN)
    changed = (NOW + timedelta(minutes=1)).replace(tzinfo=None).isoformat()

    found = one_of(argilla_hook(status="draft", updated_at=changed), asking)

    assert (found["action"], found["item"]["id"], found["annotator"]["id"]) == ("deleted", "9b2e", "u-ada")


def test_a_draft_that_comes_late_takes_nothing_back() -> None:
    asking = asked(known=lambda _: KNOWN)
    before = (NOW - timedelta(hours=1)).replace(tzinfo=None).isoformat()

    assert isinstance(decoded(argilla_hook(status="draft", updated_at=before), asking), Nothing)
    assert isinstance(decoded(argilla_hook(status="draft", updated_at=None), asking), Nothing)
    assert isinstance(decoded(argilla_hook(status="draft"), asked()), Nothing)


def test_one_deletion_of_what_may_return_is_not_like_another() -> None:
    changed = (NOW + timedelta(minutes=1)).replace(tzinfo=None).isoformat()
    earlier = EarlierAnnotation("9b2e", "u-ada", "d5aa", NOW - timedelta(minutes=9))

    found = [
        one_of(argilla_hook(status="draft", updated_at=changed), asked(known=lambda _, known=known: known))["id"]
        for known in (KNOWN, earlier)
    ]

    assert found[0] != found[1]


@pytest.mark.parametrize("kind", ["response.updated", "response.deleted", "record.updated", "dataset.deleted"])
def test_what_is_about_another_dataset_is_nothing(kind: str) -> None:
    body = argilla_hook(kind)
    if kind != "response.updated":
        body["data"] |= {"id": "another", "dataset": {"id": "another"}}
        body["data"]["record"] = {"dataset": {"id": "another"}}

    there = decoded(body, asked(platform_project="yet-another"))
    here = decoded(argilla_hook(), asked(platform_project="d5aa"))

    assert isinstance(there, Nothing)
    assert isinstance(here, Annotations)


@pytest.mark.parametrize(
    ("field", "item"), [(None, "9b2e"), ("external_id", "T-1"), ("metadata.own", "m-1"), ("nothing", None)]
)
def test_the_item_of_a_record_is_named_by_the_settings(field: str | None, item: str | None) -> None:
    record = {"id": "9b2e", "external_id": "T-1", "metadata": {"own": "m-1"}}

    assert item_id(record, asked(item_field=field)) == item
