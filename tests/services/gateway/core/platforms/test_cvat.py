"""CVAT's events, and its jobs compared with their last copies."""

from typing import Any

import pytest

from assay_schemas.json_data import Json
from assay_services.gateway.core.decode_result import Annotations, Fetch, FetchTarget, Nothing, Rejected
from assay_services.gateway.core.platforms.cvat import FetchedJob, decode, decode_job, frames_of
from tests.services.gateway.payloads import CVAT_HOOK, asked, sent
from tests.support.builders import NOW

JOB = {
    "id": 31,
    "task_id": 12,
    "project_id": 4,
    "assignee": {"id": 9, "username": "bo"},
    "type": "annotation",
    "updated_date": "2026-11-24T02:00:00Z",
}
LABELS = {1: "car", 2: "tree"}
FRAMES = frames_of({"start_frame": 0, "frames": [{"name": "a.png", "width": 640, "height": 480}]})


def a_shape(frame: int = 0, **changes: Json) -> dict[str, Json]:
    return {"type": "rectangle", "frame": frame, "label_id": 1, "points": [10, 20, 40, 60], "rotation": 0} | changes


def a_job(*shapes: dict[str, Json], last: dict[str, Json] | None = None, **changes: Json) -> FetchedJob:
    annotations = {
        "version": 1,
        "shapes": list(shapes),
        "tags": changes.pop("tags", []),
        "tracks": changes.pop("tracks", []),
    }
    return FetchedJob(
        job=JOB | changes, annotations=annotations, last=last, labels=LABELS, frames=FRAMES, saved_by="sender-1"
    )


def labels_of(decoded: Annotations) -> list[Any]:
    return [one.model_dump(mode="json")["label"] for one in decoded.annotations]


def test_a_changed_job_is_fetched() -> None:
    assert decode(sent(CVAT_HOOK), asked()) == Fetch(
        (FetchTarget("job", "31", by="9"),), "update:job says that something changed, not what"
    )


@pytest.mark.parametrize(
    ("event", "body", "wanted"),
    [
        ("delete:job", {"job": {"id": 1}}, ("job", "1")),
        ("delete:task", {"task": {"id": 2}}, ("task", "2")),
        ("create:task", {"task": {"id": 2}}, ("task", "2")),
        ("delete:project", {"project": {"id": 3}}, ("project", "3")),
    ],
)
def test_what_may_hold_annotations_is_fetched(event: str, body: dict[str, Any], wanted: tuple[str, str]) -> None:
    outcome = decode(sent({"event": event, **body}), asked())

    assert isinstance(outcome, Fetch)
    assert outcome.wanted == (FetchTarget(*wanted),)


@pytest.mark.parametrize("event", ["ping", "create:comment", "update:task", "completed:request[export:dataset]"])
def test_other_events_are_nothing_to_do(event: str) -> None:
    assert isinstance(decode(sent({"event": event}), asked()), Nothing)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"nope", "no JSON"),
        ({}, "no 'event'"),
        ({"event": "update:job", "job": {}}, "the job of update:job has no id"),
        ({"event": "explode:job"}, "no event 'explode:job'"),
        ({"event": "update:moon"}, "no event 'update:moon'"),
    ],
)
def test_what_is_no_webhook_is_rejected_with_a_reason(body: object, reason: str) -> None:
    outcome = decode(sent(body), asked())

    assert isinstance(outcome, Rejected)
    assert reason in outcome.reason


def test_the_shapes_of_a_frame_are_one_annotation_of_the_assignee() -> None:
    decoded = decode_job(a_job(a_shape(), a_shape(label_id=2, points=[1, 2, 3, 4])), asked())

    (found,) = [one.model_dump(mode="json") for one in decoded.annotations]
    assert found["action"] == "created"
    assert (found["project"], found["item"]["id"], found["annotator"]["id"]) == ("4", "12/0", "9")
    assert found["item"]["media"] == {"uri": "a.png", "width": 640, "height": 480}
    assert found["label"] == [
        {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "label": "car"},
        {"x": 1.0, "y": 2.0, "width": 2.0, "height": 2.0, "label": "tree"},
    ]
    assert found["occurred_at"] == "2026-11-24T02:00:00Z"
    assert found["source"] == {"platform": "cvat", "project": "4", "annotation": "31/0"}


def test_only_what_differs_from_the_last_copy_is_said() -> None:
    before = {"shapes": [a_shape(0), a_shape(1), a_shape(2)]}

    decoded = decode_job(a_job(a_shape(0), a_shape(1, label_id=2), a_shape(3), last=before), asked())

    assert [(one.item.id, one.action) for one in decoded.annotations] == [
        ("12/1", "updated"),
        ("12/2", "deleted"),
        ("12/3", "created"),
    ]


def test_deletions_of_the_same_frame_at_two_times_are_two() -> None:
    first = decode_job(a_job(last={"shapes": [a_shape()]}), asked())
    later = decode_job(a_job(last={"shapes": [a_shape()]}, updated_date="2026-11-24T03:00:00Z"), asked())

    assert first.annotations[0].id != later.annotations[0].id


def test_a_frame_with_an_unreadable_shape_is_neither_changed_nor_deleted() -> None:
    before = {"shapes": [a_shape()]}

    decoded = decode_job(a_job(a_shape(label_id=99), a_shape(), last=before), asked())

    assert decoded.annotations == ()
    assert decoded.problems == ("frame 0: a shape has no points or no label that is known",)


def test_polygons_and_turned_rectangles_become_the_boxes_around_them() -> None:
    # A quarter turn around its centre (25, 40) makes 30 x 40 into 40 x 30.
    turned, polygon = a_shape(rotation=90), a_shape(1, type="polygon", points=[0, 0, 10, 5, 4, 20])

    decoded = decode_job(a_job(turned, polygon), asked())

    assert labels_of(decoded) == [
        [{"x": 5.0, "y": 25.0, "width": 40.0, "height": 30.0, "label": "car"}],
        [{"x": 0.0, "y": 0.0, "width": 10.0, "height": 20.0, "label": "car"}],
    ]


@pytest.mark.parametrize("shape", [a_shape(type="mask"), a_shape() | {"frame": "x"}, a_shape(type=["rectangle"])])
def test_other_shapes_are_said_to_be_left_out(shape: dict[str, Any]) -> None:
    decoded = decode_job(a_job(shape), asked())

    assert decoded.annotations == ()
    assert "not read" in decoded.problems[0]


@pytest.mark.parametrize("points", [[], [1, 2, 3], [1, "2", 3, 4], "x"])
def test_a_shape_without_its_points_is_said(points: object) -> None:
    for kind in ("rectangle", "polygon"):
        assert "no points" in decode_job(a_job(a_shape(type=kind, points=points)), asked()).problems[0]


def test_of_a_track_the_frames_count_on_which_a_person_set_it() -> None:
    track = {"label_id": 2, "shapes": [a_shape(0), a_shape(5), a_shape(9, outside=True)]}

    decoded = decode_job(a_job(tracks=[track]), asked())

    assert [one.item.id for one in decoded.annotations] == ["12/0", "12/5"]
    assert labels_of(decoded)[0][0]["label"] == "tree"


def test_tags_are_labels_where_there_are_no_shapes_or_the_settings_say_so() -> None:
    tags = [{"frame": 0, "label_id": 1}, {"frame": 1, "label_id": 2}, {"frame": 1, "label_id": 1}, {"frame": 2}]

    alone, beside = decode_job(a_job(tags=tags), asked()), decode_job(a_job(a_shape(), tags=tags), asked())
    chosen = decode_job(a_job(a_shape(), tags=tags), asked(controls=("tags",)))

    assert labels_of(alone) == labels_of(chosen) == ["car", ["car", "tree"]]
    assert alone.problems == ("a tag has no frame or no label that is known",)
    assert beside.problems == ("tags are not read beside shapes",)


def test_ground_truth_jobs_give_gold_and_a_job_of_nobody_is_the_savers() -> None:
    gold = decode_job(a_job(a_shape(), type="ground_truth", project_id=None, assignee=None), asked())

    (found,) = gold.annotations
    assert found.item.gold == found.label
    assert (found.project, found.annotator.id) == ("12", "sender-1")


def test_a_job_without_a_time_or_an_id_is_understood_as_far_as_it_goes() -> None:
    timeless = decode_job(a_job(a_shape(), updated_date=None), asked())
    nameless = decode_job(a_job(a_shape(), id=None), asked())

    assert timeless.annotations[0].occurred_at == NOW
    assert nameless.problems == ("frame 0: it does not say its annotation",)
    assert frames_of({"start_frame": "x", "frames": [{}]}) == {0: {}}


@pytest.mark.parametrize(
    ("before", "by"),
    [({"updated_date": "x"}, "9"), ({"updated_date": "x", "stage": "annotation"}, None), ({"assignee": None}, None)],
)
def test_who_sends_an_event_has_drawn_only_where_nothing_else_has_changed(
    before: dict[str, Any], by: str | None
) -> None:
    outcome = decode(sent({**CVAT_HOOK, "before_update": before}), asked())

    assert isinstance(outcome, Fetch)
    assert outcome.wanted[0].by == by
