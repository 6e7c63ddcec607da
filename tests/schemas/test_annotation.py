"""Annotations: what is read, what is refused."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from assay_schemas.annotation import MAX_PARTS, MAX_WHOLE_NUMBER, Action, Annotation, AnnotatorKind, Box, Span
from assay_schemas.json_data import Json
from tests.support.builders import GOOD, LABELS, an_annotation, an_item, annotation_input


def problems(**changes: Json) -> set[tuple[str, str]]:
    """Return what is wrong with the input as JSON (field, kind of problem); as objects it is refused too."""
    raw = annotation_input(**changes)
    with pytest.raises(ValidationError) as from_json:
        Annotation.model_validate_json(json.dumps(raw))
    with pytest.raises(ValidationError):
        Annotation.model_validate(raw)
    return {(str(error["loc"][0]) if error["loc"] else "", error["type"]) for error in from_json.value.errors()}


def test_an_annotation_of_the_design_is_read() -> None:
    raw = """
    {"id": "an-1", "action": "created", "project": "ads-safety",
     "item": {"id": "i-204", "text": "hi", "features": null, "media": null, "gold": null,
              "attributes": {"market": "BR", "guideline": "7"}},
     "annotator": {"id": "a17", "kind": "human"},
     "label": "scam", "prelabel": null, "occurred_at": "2026-11-24T02:45:08.153Z", "lead_time_seconds": 12.3,
     "source": {"platform": "label-studio", "project": "3", "annotation": "881"}}
    """

    found = Annotation.model_validate_json(raw)

    assert (found.action, found.annotator.kind, found.label) == (Action.CREATED, AnnotatorKind.HUMAN, "scam")
    assert found.occurred_at.isoformat() == "2026-11-24T02:45:08.153000+00:00"


def test_all_that_can_be_left_out_has_a_plain_default() -> None:
    raw = {
        "id": "1",
        "project": "p",
        "item": {"id": "i"},
        "annotator": {"id": "a"},
        "occurred_at": "2026-01-01T00:00:00Z",
    }

    found = Annotation.model_validate(raw)

    assert (found.action, found.label, found.item.attributes) == (Action.CREATED, None, {})


def test_the_key_is_the_project_and_the_item() -> None:
    annotation = an_annotation(project="ads-safety", item=an_item(id="ü:1"))

    assert annotation.key == "ads-safety:ü:1".encode()


@pytest.mark.parametrize("kind", LABELS)
def test_each_kind_of_label_survives_json(kind: str) -> None:
    annotation = an_annotation(label=GOOD[kind], prelabel=GOOD[kind], item=an_item(gold=GOOD[kind]))

    again = Annotation.model_validate_json(annotation.model_dump_json())

    assert again == annotation


@pytest.mark.parametrize(
    ("raw", "kind"),
    [("safe", str), (3, int), (3.0, float), (["a"], str), (GOOD["spans"], Span), (GOOD["boxes"], Box)],
)
def test_a_label_is_read_as_what_it_is(raw: Json, kind: type) -> None:
    label = an_annotation(label=raw).label

    assert type(label[0] if isinstance(label, list) else label) is kind


@pytest.mark.parametrize(
    "label",
    [
        True,
        {"start": 0, "end": 1, "label": "x"},
        [1, 2],
        ["safe", 3],
        [None],
        [["safe"]],
        [*GOOD["spans"], *GOOD["boxes"]],
        [{"start": 0, "end": 1}],
        [{"start": 0.5, "end": 1, "label": "x"}],
        [{"start": 0, "end": 1, "label": "x", "score": 1}],
        "x" * 257,
        ["x"] * (MAX_PARTS + 1),
    ],
    ids=lambda label: str(label)[:40],
)
def test_what_is_no_label_is_refused(label: object) -> None:
    assert {field for field, _ in problems(label=label)} == {"label"}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("field", ["label", "prelabel", "lead_time_seconds"])
def test_nan_and_infinity_are_refused(field: str, number: float) -> None:
    assert {name for name, _ in problems(**{field: number})} == {field}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_nan_and_infinity_are_refused_inside_items_and_boxes(number: float) -> None:
    box = {"x": 0, "y": 0, "width": number, "height": 1, "label": "car"}

    assert {name for name, _ in problems(label=[box], item=an_item(features=[number]))} == {"label", "item"}


def test_a_number_too_large_for_a_float_is_refused() -> None:
    raw = json.dumps(annotation_input(label="HERE")).replace('"HERE"', "1e999")

    with pytest.raises(ValidationError):
        Annotation.model_validate_json(raw)


@pytest.mark.parametrize("digits", [400, 4_000])
def test_a_huge_whole_number_is_refused(digits: int) -> None:
    huge = 10**digits
    span = {"start": 0, "end": huge, "label": "person"}

    assert {name for name, _ in problems(label=huge, prelabel=[span])} == {"label", "prelabel"}


def test_whole_numbers_stay_whole_as_far_as_all_readers_of_json_agree() -> None:
    labels = [
        an_annotation(label=number).label for number in (MAX_WHOLE_NUMBER, -MAX_WHOLE_NUMBER, MAX_WHOLE_NUMBER * 2)
    ]

    assert labels == [MAX_WHOLE_NUMBER, -MAX_WHOLE_NUMBER, float(MAX_WHOLE_NUMBER * 2)]
    assert [type(label) for label in labels] == [int, int, float]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "\ud800"},
        {"project": "\udfff"},
        {"label": "a\ud800b"},
        {"label": ["\ud800"]},
        {"item": {"id": "\ud800"}},
        {"item": {"id": "i", "text": "\ud800"}},
        {"item": {"id": "i", "attributes": {"market": "\ud800"}}},
        {"item": {"id": "i", "attributes": {"\ud800": "BR"}}},
        {"annotator": {"id": "\ud800"}},
        {"source": {"platform": "\ud800"}},
    ],
    ids=ascii,
)
def test_a_lone_surrogate_is_refused_wherever_it_stands(changes: dict[str, Any]) -> None:
    assert problems(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"item": an_item(colour="red")},
        {"item": an_item(media={"uri": "x", "colour": "red"})},
        {"annotator": {"id": "a17", "colour": "red"}},
        {"source": {"platform": "x", "colour": "red"}},
    ],
    ids=str,
)
def test_an_unknown_field_is_refused(changes: dict[str, Any]) -> None:
    assert problems(**changes) == {(next(iter(changes)), "extra_forbidden")}


@pytest.mark.parametrize("field", ["occurred_at", "created_at"])
def test_a_time_without_its_zone_is_refused(field: str) -> None:
    assert problems(**{field: "2026-11-24T12:00:00"}) == {(field, "timezone_aware")}


@pytest.mark.parametrize("field", ["occurred_at", "created_at"])
@pytest.mark.parametrize("moment", [1_764_000_000, 1.5, "1764000000", "", "now", True], ids=repr)
def test_a_time_is_written_as_a_time(field: str, moment: object) -> None:
    assert problems(**{field: moment}) == {(field, "time_format")}


@pytest.mark.parametrize(
    "changes",
    [
        {"lead_time_seconds": "12.3"},
        {"lead_time_seconds": True},
        {"item": an_item(features=["1"])},
        {"item": an_item(media={"uri": "x", "width": "5"})},
        {"label": [GOOD["boxes"][0] | {"x": "1"}]},
    ],
    ids=str,
)
def test_a_number_is_written_as_a_number(changes: dict[str, Any]) -> None:
    assert {field for field, _ in problems(**changes)} == {next(iter(changes))}


@pytest.mark.parametrize("field", ["id", "project", "item", "annotator", "occurred_at"])
def test_what_every_annotation_has_is_wanted(field: str) -> None:
    raw = annotation_input()
    del raw[field]

    with pytest.raises(ValidationError, match="Field required"):
        Annotation.model_validate(raw)


@pytest.mark.parametrize("bad", ["", "x" * 257])
def test_ids_are_neither_empty_nor_endless(bad: str) -> None:
    found = problems(id=bad, project=bad, item=an_item(id=bad), annotator={"id": bad})

    assert {field for field, _ in found} == {"id", "project", "item", "annotator"}


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "approved"},
        {"annotator": {"id": "a17", "kind": "robot"}},
        {"item": an_item(text="x" * 500_001)},
        {"item": an_item(features=[0.0] * (MAX_PARTS + 1))},
        {"item": an_item(media={"uri": "x" * 4_097})},
        {"item": an_item(media={"uri": "x", "width": 0})},
        {"item": an_item(media={"uri": "x", "height": 10**30})},
        {"source": {"platform": "x" * 500_001}},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_what_is_beyond_the_limits_is_refused(changes: dict[str, Any]) -> None:
    assert {field for field, _ in problems(**changes)} == {next(iter(changes))}


def test_an_annotation_cannot_be_changed() -> None:
    annotation = an_annotation()

    with pytest.raises(ValidationError, match="frozen"):
        annotation.label = "scam"  # type: ignore[misc]
