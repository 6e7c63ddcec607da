"""Label Studio's events, one by one, and its polled tasks."""

from datetime import timedelta
from typing import Any

import pytest

from assay_schemas.annotation import Annotation
from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeContext,
    DecodeResult,
    EarlierAnnotation,
    Fetch,
    FetchTarget,
    Nothing,
    Rejected,
    Settings,
)
from assay_services.gateway.core.platforms.label_studio import decode, decode_task, item_id
from tests.services.gateway.payloads import (
    SECRETS,
    TEXT_CONFIG,
    asked,
    choices,
    ls_annotation,
    ls_hook,
    ls_project,
    ls_task,
    sent,
)
from tests.support.builders import NOW

KNOWN = EarlierAnnotation("1", "7", "1", NOW - timedelta(minutes=1))


def decoded(body: object, asking: DecodeContext | None = None) -> DecodeResult:
    return decode(sent(body), asking or asked())


def annotations_of(outcome: DecodeResult) -> tuple[Annotation, ...]:
    assert isinstance(outcome, Annotations), outcome
    return outcome.annotations


def one_of(body: object, asking: DecodeContext | None = None) -> dict[str, Any]:
    (found,) = annotations_of(decoded(body, asking))
    return found.model_dump(mode="json")


def test_a_submitted_annotation_becomes_one_of_ours() -> None:
    found = one_of(ls_hook())

    assert found | {"id": ""} == {
        "id": "",
        "action": "created",
        "project": "1",
        "item": {
            "id": "1",
            "text": "The delivery was late",
            "features": None,
            "media": None,
            "gold": None,
            "attributes": {"external_id": "T-0"},
        },
        "annotator": {"id": "7", "kind": "human"},
        "label": "Negative",
        "prelabel": None,
        "occurred_at": "2026-11-24T02:51:10.440845Z",
        "created_at": "2026-11-24T02:51:10.440802Z",
        "lead_time_seconds": 7.421,
        "source": {"platform": "label-studio", "project": "1", "annotation": "2"},
    }


def test_the_connection_may_have_a_project_of_its_own() -> None:
    assert one_of(ls_hook(), asked(project="tickets"))["project"] == "tickets"


def test_a_repeated_delivery_has_the_same_id_and_an_edit_another() -> None:
    later = ls_hook(choices("Positive"), action="ANNOTATION_UPDATED", updated_at="2026-11-24T02:52:00Z")

    first, again, edited = one_of(ls_hook()), one_of(ls_hook()), one_of(later)

    assert first == again
    assert edited["action"] == "updated"
    assert edited["id"] != first["id"]


@pytest.mark.parametrize("completed_by", [7, {"id": 7, "email": "ada@example.com"}])
@pytest.mark.parametrize("xml", [TEXT_CONFIG, TEXT_CONFIG.replace("<Choices ", '<Choices choice="multiple" ')])
def test_a_webhook_and_a_poll_of_the_same_state_are_the_same_annotation(completed_by: object, xml: str) -> None:
    hook = one_of(ls_hook(config=xml))
    task = ls_task(annotations=[ls_annotation(completed_by=completed_by)])

    polled = decode_task(task, ls_project(xml), asked())

    assert [one.model_dump(mode="json") for one in polled.annotations] == [hook]
    assert polled.problems == ()


def test_a_poll_finds_skips_and_edits_and_says_what_it_cannot_read() -> None:
    task = ls_task(
        annotations=[
            ls_annotation(id=3, was_cancelled=True),
            ls_annotation(id=4, updated_at="2026-11-24T03:51:10Z"),
            ls_annotation(id=5, completed_by=None),
            ls_annotation(id=6, result=[1]),
        ]
    )

    polled = decode_task(task, ls_project(), asked())

    assert [(one.action, one.label) for one in polled.annotations] == [("skipped", None), ("updated", "Negative")]
    assert polled.problems == (
        "annotation 5: it does not say its annotator",
        "annotation 6: result[0] is a number; an object is wanted",
    )


def test_a_skip_has_no_label_and_an_undone_skip_is_another_state() -> None:
    skipped, undone = one_of(ls_hook(was_cancelled=True)), one_of(ls_hook(was_cancelled=False))

    assert (skipped["action"], skipped["label"]) == ("skipped", None)
    assert skipped["id"] != undone["id"]
    assert one_of(ls_hook(was_cancelled=True, result=[1]))["action"] == "skipped"


def test_a_ground_truth_is_the_items_gold() -> None:
    assert one_of(ls_hook(ground_truth=True))["item"]["gold"] == "Negative"


@pytest.mark.parametrize(
    ("prediction", "prelabel"),
    [
        ({"result": [choices("Positive")]}, "Positive"),
        ({}, None),
        (None, None),
        ({"result": [1]}, None),
        ({"result": [choices("x" * 300)]}, None),
    ],
)
def test_the_prediction_that_was_shown_is_the_prelabel(prediction: object, prelabel: object) -> None:
    assert one_of(ls_hook(prediction=prediction))["prelabel"] == prelabel


@pytest.mark.parametrize(
    ("lead_time", "seconds"), [(7, 7.0), (-1, -1.0), (None, None), ("7", None), (float("nan"), None), (True, None)]
)
def test_a_lead_time_that_is_no_number_is_not_known(lead_time: object, seconds: float | None) -> None:
    assert one_of(ls_hook(lead_time=lead_time))["lead_time_seconds"] == seconds


def test_without_times_the_time_of_receipt_counts_and_the_id_does_without() -> None:
    hook = ls_hook(updated_at=None, created_at="yesterday")

    first, later = one_of(hook), one_of(hook, asked(now=NOW + timedelta(hours=1)))

    assert first["occurred_at"] == "2026-11-24T12:00:00Z"
    assert later["occurred_at"] == "2026-11-24T13:00:00Z"
    assert first["id"] == later["id"]


def test_settings_choose_the_items_id_its_text_and_its_attributes() -> None:
    task = ls_task(data={"body": "Hello", "external_id": "T-0", "market": "BR", "n": 7, "ok": True}, meta={"q": "m"})
    own = Settings(item_field="external_id", text_field="body", attributes=("market", "n", "ok", "q"))

    found = one_of(ls_hook(task=task, config=""), asked(settings={"1": own}))["item"]

    assert (found["id"], found["text"]) == ("T-0", "Hello")
    assert found["attributes"] == {"q": "m", "market": "BR", "n": "7", "ok": "true"}


def test_an_own_id_may_lie_in_meta_and_must_be_there() -> None:
    asking = asked(item_field="ref")

    assert one_of(ls_hook(task=ls_task(meta={"ref": 12})), asking)["item"]["id"] == "12"
    assert "'ref'" in rejected(ls_hook(), asking)


@pytest.mark.parametrize(
    ("shown", "data", "text", "uri"),
    [
        ('<Text name="text" value="$body"/>', {"body": "B", "text": "T"}, "B", None),
        ('<Text name="text" value="$a.b"/>', {"a": {"b": "deep"}}, "deep", None),
        ('<Text name="text" value="$text" valueType="url"/>', {"text": "https://x/t.txt"}, None, "https://x/t.txt"),
        ('<Audio name="text" value="$sound"/>', {"sound": "s3://b/a.wav", "text": "T"}, "T", "s3://b/a.wav"),
        ('<Text name="text" value="$gone"/>', {"text": 7, "image": "data:image/png;base64,AA"}, None, None),
    ],
)
def test_the_config_says_which_field_is_shown(shown: str, data: dict[str, Any], text: object, uri: object) -> None:
    xml = f'<View>{shown}<Choices name="sentiment" toName="text"/></View>'

    found = one_of(ls_hook(config=xml, task=ls_task(data=data)))["item"]

    assert found["text"] == text
    assert (found["media"] or {"uri": None})["uri"] == uri


def test_no_secret_of_the_payload_comes_out_again() -> None:
    data = {"text": "x", "api_key": SECRETS[0], "image": f"https://{SECRETS[1]}:{SECRETS[2]}@host/a?token={SECRETS[0]}"}
    bodies = [
        ls_hook(task=ls_task(data=data, meta={"assay_flag": "ours", "password": SECRETS[2]})),
        ls_hook(result=[1]),
        ls_hook(completed_by=None),
        ls_hook(action="NO_SUCH"),
        ls_hook(task={}),
    ]

    for body in bodies:
        said = repr(decode(sent(body, authorization=SECRETS[0]), asked()))

        assert not any(secret in said for secret in SECRETS)
    assert "assay_flag" not in repr(decoded(bodies[0]))


def test_a_list_of_annotations_belongs_to_the_list_of_tasks_by_position() -> None:
    body = {
        "action": "ANNOTATIONS_CREATED",
        "annotation": [ls_annotation(id=1, task=10), ls_annotation(id=2, task=11), ls_annotation(id=3, task=12)],
        "task": [ls_task(id=10, data={"text": "a"}), ls_task(id=11, data={"text": "b"})],
        "project": ls_project(),
    }

    outcome = decoded(body)

    assert [(one.item.id, one.item.text) for one in annotations_of(outcome)] == [("10", "a"), ("11", "b")]
    assert isinstance(outcome, Annotations)
    assert outcome.fetch == (FetchTarget("task", "12"),)


def test_lists_in_another_order_are_matched_by_the_ids_they_carry() -> None:
    body = {
        "action": "ANNOTATIONS_CREATED",
        "annotation": [ls_annotation(id=1, task=10), ls_annotation(id=2, task=None)],
        "task": [ls_task(id=11, data={"text": "b"}), ls_task(id=10, data={"text": "a"})],
        "project": ls_project(),
    }

    assert [one.item.id for one in annotations_of(decoded(body))] == ["10", "10"]


def test_an_annotation_without_its_task_is_asked_back_for() -> None:
    assert decoded(ls_hook(task=1)) == Fetch((FetchTarget("task", "1"),), "there is no task beside the annotation")


def test_a_deletion_of_a_known_annotation_is_one_and_of_an_unknown_one_a_question() -> None:
    body = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 2}, {"id": 3}], "project": {"id": 1}}
    asking = asked(known=lambda one: KNOWN if one == "2" else None)

    outcome = decoded(body, asking)

    assert isinstance(outcome, Annotations)
    (gone,) = outcome.annotations
    assert (gone.action, gone.item.id, gone.annotator.id, gone.project, gone.label) == ("deleted", "1", "7", "1", None)
    assert KNOWN.occurred_at is not None
    assert gone.occurred_at == KNOWN.occurred_at + timedelta(microseconds=1)
    assert outcome.fetch == (FetchTarget("annotation", "3"),)
    assert isinstance(decoded(body), Fetch)


def test_a_repeated_deletion_has_the_same_id() -> None:
    body = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 2}]}

    first, later = (one_of(body, asked(known=lambda _: KNOWN, now=NOW + timedelta(hours=n))) for n in (0, 1))

    assert first["id"] == later["id"]


@pytest.mark.parametrize(("said_at", "expected"), [(1, 1.000001), (-1, -0.999999), (7200, 7200.000001), (None, 0)])
def test_a_deletion_comes_just_after_the_state_that_it_ends(said_at: int | None, expected: float) -> None:
    known = EarlierAnnotation("1", "7", "1", None if said_at is None else NOW + timedelta(seconds=said_at))

    (gone,) = annotations_of(
        decoded({"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 2}]}, asked(known=lambda _: known))
    )

    assert gone.occurred_at == NOW + timedelta(seconds=expected)


def test_deleted_tasks_take_their_known_annotations_with_them() -> None:
    body = {"action": "TASKS_DELETED", "tasks": [{"id": 1}, {"id": 9}], "project": {"id": 1}}
    asking = asked(known=lambda one: KNOWN if one == "2" else None, held=lambda item: ["2", "5"] if item == "1" else [])

    outcome = decoded(body, asking)

    assert isinstance(outcome, Annotations)
    assert [one.action for one in outcome.annotations] == ["deleted"]
    assert outcome.fetch == (FetchTarget("annotation", "5"), FetchTarget("task", "9"))


def test_imported_tasks_are_fetched_since_they_may_be_annotated() -> None:
    outcome = decoded({"action": "TASKS_CREATED", "tasks": [{"id": 1}, {"id": 2}, {"id": 1}]})

    assert isinstance(outcome, Fetch)
    assert outcome.wanted == (FetchTarget("task", "1"), FetchTarget("task", "2"))


@pytest.mark.parametrize(
    "action", ["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "TASKS_CREATED", "TASKS_DELETED"]
)
def test_a_delivery_without_a_payload_asks_for_what_has_changed(action: str) -> None:
    anything, one_project = decoded({"action": action}), decoded({"action": action}, asked(platform_project="3"))

    assert isinstance(anything, Fetch)
    assert isinstance(one_project, Fetch)
    assert anything.wanted == (FetchTarget("project", "*"),)
    assert one_project.wanted == (FetchTarget("project", "3"),)


@pytest.mark.parametrize("action", ["PROJECT_UPDATED", "LABEL_LINK_CREATED", "START_TRAINING", "REVIEW_CREATED"])
def test_other_events_are_nothing_to_do(action: str) -> None:
    assert isinstance(decoded({"action": action, "project": ls_project()}), Nothing)


def rejected(body: object, asking: DecodeContext | None = None) -> str:
    outcome = decoded(body, asking)
    assert isinstance(outcome, Rejected), outcome
    return outcome.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no JSON"),
        (b"\xff", "no UTF-8 text: byte 0"),
        (b'{"action": "ANNOTATION_CREA', "no JSON"),
        (b"[]", "a list; a JSON object is wanted"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "thousands of digits"),
        (b'{"action": "A", "action": "B"}', "the key 'action' stands twice"),
        ({}, "no 'action'"),
        ({"action": ["ANNOTATION_CREATED"]}, "no 'action'"),
        ({"action": "ANNOTATION_DELETED"}, "no action 'ANNOTATION_DELETED'"),
        ({"action": "ANNOTATIONS_DELETED", "annotations": []}, "names no annotation"),
        ({"action": "TASKS_CREATED", "tasks": [{}]}, "names no task"),
        (ls_hook(id=None, unique_id=None), "annotation without an id: it does not say its annotation"),
        (ls_hook(completed_by=None), "it does not say its annotator"),
        (ls_hook(task=ls_task(id=None)), "the task has no id"),
        ({**ls_hook(project=None), "project": {}, "task": ls_task(project=None)}, "it does not say its project"),
    ],
)
def test_what_is_no_webhook_is_rejected_with_a_reason(body: object, reason: str) -> None:
    if isinstance(body, dict) and "annotation" in body and body["task"].get("id") is None:
        body["annotation"]["task"] = None

    assert reason in rejected(body)


def test_an_export_without_ids_is_known_by_its_unique_id() -> None:
    assert one_of(ls_hook(id=None))["source"]["annotation"] == "1af15fea-2912-4043-9bd9-f1659b4ad78d"


def test_a_task_without_its_own_id_has_no_item() -> None:
    asking = asked(default=Settings(item_field="sku"))

    assert item_id({"id": 7, "data": {"sku": "s-1"}}, asking) == "s-1"
    assert item_id({"id": 7, "data": {}}, asking) is None
    assert item_id({"id": 7}, asked()) == "7"
