"""Exports of platforms and data sets are recognised by their structure, and read as their annotators meant them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.file_readers import read_annotations, recognise
from assay_services.ingest.input_record import InputError
from assay_services.ingest.read_options import ReadOptions
from tests.services.gateway.payloads import (
    GROUND_TRUTH_LINE,
    LABELBOX_HOOK,
    choices,
    ls_annotation,
    ls_task,
    region,
)
from tests.services.ingest.messy_files import NO_OPTIONS, annotations_of, records_of, votes_of, written
from tests.support.builders import a_contract

BY_ADA = ReadOptions(annotator="ada")
BOX = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "label": "car"}


def dumped(value: object, layout: str) -> str:
    if layout == "lines":
        return "\n".join(json.dumps(one) for one in value) if isinstance(value, list) else json.dumps(value)
    return json.dumps(value, indent=2 if layout == "written out" else None)


def ls_export(*annotations: dict[str, Any], **task: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    return ls_task(annotations=list(annotations), predictions=[], **task)


@pytest.mark.parametrize("layout", ["lines", "one line", "written out"])
def test_label_studios_tasks_are_one_annotation_for_each_person(tmp_path: Path, layout: str) -> None:
    tasks = [
        ls_export(ls_annotation(choices("scam")), ls_annotation(choices("safe"), id=3, completed_by={"id": 8})),
        ls_export(id=2),
        ls_export(ls_annotation(id=4, was_cancelled=True), id=5),
    ]
    path = written(tmp_path, dumped(tasks, layout), "export.json")

    found = annotations_of(path)

    assert recognise(path, None).name == "Label Studio's export (JSON)"
    assert [(one["item"]["id"], one["annotator"]["id"], one["label"], one["action"]) for one in found] == [
        ("1", "7", "scam", "created"),
        ("1", "8", "safe", "created"),
        ("5", "7", None, "skipped"),
    ]
    assert found[0]["item"]["text"] == "The delivery was late"


def test_nothing_marked_is_a_vote_of_label_studio_where_the_person_answered(tmp_path: Path) -> None:
    tasks = [ls_export(ls_annotation(choices("safe"))), ls_export(ls_annotation(result=[]), id=2)]
    path = written(tmp_path, json.dumps(tasks), "export.json")

    assert [one["label"] for one in annotations_of(path, a_contract("multilabel"))] == [["safe"], []]
    assert [one["label"] for one in annotations_of(path)] == ["safe", None]


def test_of_several_controls_the_label_is_named_by_a_person(tmp_path: Path) -> None:
    result = (choices("safe"), choices("loud", name="tone"))
    path = written(tmp_path, json.dumps([ls_export(ls_annotation(*result))]), "export.json")

    (broken,) = records_of(path)

    assert "several controls could be the label" in (broken.problem or "")
    assert b'"annotations"' in broken.value
    assert [one["label"] for one in annotations_of(path, options=ReadOptions(label="tone"))] == ["loud"]


def test_a_region_that_is_no_rectangle_spoils_its_annotation_and_no_other(tmp_path: Path) -> None:
    size: dict[str, Any] = {"original_width": 100, "original_height": 200, "name": "box"}
    box = region("rectanglelabels", {"x": 10, "y": 10, "width": 30, "height": 20, "rectanglelabels": ["car"]}, **size)
    tasks = [ls_export(ls_annotation(box), data={"image": "http://h/a.png"})]

    (found,) = annotations_of(written(tmp_path, json.dumps(tasks), "export.json"), a_contract("boxes"))

    assert found["label"] == [BOX]
    assert found["item"]["media"]["uri"] == "http://h/a.png"


ROW = {
    "id": 5,
    "text": "late",
    "sentiment": "scam",
    "annotator": 7,
    "annotation_id": 31,
    "created_at": "2026-11-24T02:51:10Z",
    "updated_at": "2026-11-24T02:51:10Z",
    "lead_time": 7.5,
}


def as_csv(*rows: dict[str, object]) -> str:
    cells = io.StringIO(newline="")
    table = csv.DictWriter(cells, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return cells.getvalue()


@pytest.mark.parametrize("name", ["a.json", "a.csv"])
@pytest.mark.parametrize(
    ("kind", "label", "read"),
    [
        ("categorical", "scam", "scam"),
        ("multilabel", {"choices": ["safe", "scam"]}, ["safe", "scam"]),
        ("multilabel", "scam", ["scam"]),
        (
            "spans",
            [{"start": 0, "end": 4, "text": "late", "labels": ["person"]}],
            [{"start": 0, "end": 4, "label": "person"}],
        ),
    ],
)
def test_label_studios_flat_rows_are_read_as_its_tasks(
    tmp_path: Path, name: str, kind: str, label: object, read: object
) -> None:
    row = ROW | {"sentiment": label if isinstance(label, str) or name == "a.json" else json.dumps(label)}
    path = written(tmp_path, json.dumps([row]) if name == "a.json" else as_csv(row), name)

    (found,) = annotations_of(path, a_contract(kind))

    assert recognise(path, None).name.startswith("Label Studio's export (")
    assert (found["item"]["id"], found["item"]["text"], found["annotator"]["id"]) == ("5", "late", "7")
    assert (found["label"], found["lead_time_seconds"], found["source"]["annotation"]) == (read, 7.5, "31")


def test_the_label_of_a_flat_row_is_asked_for_if_it_is_not_certain(tmp_path: Path) -> None:
    path = written(tmp_path, as_csv(ROW | {"sentiment": "unheard of"}))

    with pytest.raises(InputError, match="which of text, sentiment is the label"):
        records_of(path)
    assert votes_of(path, options=ReadOptions(label="sentiment")) == [("5", "7", "unheard of")]
    blank = written(tmp_path, as_csv(ROW, ROW | {"sentiment": "", "id": 6}), "b.csv")
    assert [one["label"] for one in annotations_of(blank)] == ["scam", None]


LABELBOX_ROW = {
    "data_row": LABELBOX_HOOK["data_row"],
    "projects": {
        "p-1": {
            "labels": [
                {
                    "id": "lb-1",
                    "label_details": {"created_by": "ada@example.com", "created_at": "2026-11-24T02:00:00Z"},
                    "annotations": {"classifications": [{"name": "sentiment", "radio_answer": {"name": "scam"}}]},
                },
                {"id": "lb-2", "label_details": {}, "annotations": {"objects": [{"name": "x"}]}},
            ]
        }
    },
}
PRODIGY = {"text": "late", "_input_hash": 1, "_task_hash": 2, "label": "scam", "answer": "accept"}
ARGILLA = {
    "id": "r1",
    "fields": {"text": "late"},
    "metadata": {},
    "responses": {"sentiment": [{"value": "scam", "user_id": "u1"}, {"value": "safe", "user_id": "u2"}]},
}
DOCCANO = {"id": 3, "text": "late", "label": ["scam"], "Comments": []}


@pytest.mark.parametrize(
    ("name", "rows", "options", "votes"),
    [
        ("Prodigy's dataset (JSONL)", [PRODIGY | {"_annotator_id": "bo"}], NO_OPTIONS, [("2", "bo", "scam")]),
        ("Prodigy's dataset (JSONL)", [PRODIGY], BY_ADA, [("2", "ada", "scam")]),
        ("doccano's export (JSONL)", [DOCCANO, DOCCANO | {"id": 4, "label": []}], BY_ADA, [("3", "ada", "scam")]),
        ("doccano's export (JSONL)", [DOCCANO | {"username": "bo"}], NO_OPTIONS, [("3", "bo", "scam")]),
        (
            "Ground Truth's manifest",
            [GROUND_TRUTH_LINE, {"source-ref": "s3://b/2"}],
            NO_OPTIONS,
            None,
        ),
        ("Argilla's records (JSON)", [ARGILLA], NO_OPTIONS, [("r1", "u1", "scam"), ("r1", "u2", "safe")]),
        (
            "Argilla's records (JSON)",
            [ARGILLA | {"responses": [{"values": {"s": {"value": "scam"}}, "user_id": "u1", "status": "submitted"}]}],
            NO_OPTIONS,
            [("r1", "u1", "scam")],
        ),
        ("spaCy's data (JSON)", [{"text": "late", "cats": {"scam": 1.0, "safe": 0.0}}], BY_ADA, None),
    ],
)
@pytest.mark.parametrize("layout", ["lines", "one line", "written out"])
def test_rows_of_platforms_are_recognised_and_read(  # parameters of a table
    tmp_path: Path, name: str, rows: list[Any], options: ReadOptions, votes: list[Any] | None, layout: str
) -> None:
    path = written(tmp_path, dumped(rows, layout), "export.json")

    found = [orjson.loads(one.value) for one in records_of(path, options=options) if one.problem is None]

    assert recognise(path, None).name == name
    assert found
    if votes is not None:
        assert [(one["item"]["id"], one["annotator"]["id"], one["label"]) for one in found] == votes


def test_labels_of_labelbox_that_cannot_be_read_are_kept_beside_those_that_can(tmp_path: Path) -> None:
    good, broken = records_of(written(tmp_path, json.dumps(LABELBOX_ROW), "export.ndjson"))

    assert orjson.loads(good.value)["label"] == "scam"
    assert "label lb-2" in (broken.problem or "")
    assert orjson.loads(broken.value) == LABELBOX_ROW


ENTITIES = {"text": "late", "entities": [[0, 4, "person"]]}
NO_IMAGES: dict[str, Any] = {"images": [], "annotations": [], "categories": []}


@pytest.mark.parametrize("row", [PRODIGY, DOCCANO, ENTITIES, NO_IMAGES])
def test_who_made_the_labels_is_asked_for_where_the_export_does_not_say_it(tmp_path: Path, row: dict[str, Any]) -> None:
    path = written(tmp_path, json.dumps(row), "a.jsonl")

    with pytest.raises(InputError, match="does not say who made the labels; say it with --annotator NAME"):
        records_of(path)


def test_an_export_needs_a_contract_for_its_project(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps([ls_export(ls_annotation())]), "a.json")

    with pytest.raises(InputError, match="name the contract that the labels belong to with --contract"):
        list(read_annotations(path, None))


@pytest.mark.parametrize(
    "value",
    [
        {"text": "late Ann", "entities": [[5, 8, "person"]]},
        {"text": "late Ann", "spans": [{"start": 5, "end": 8, "label": "person"}]},
        ["late Ann", {"entities": [[5, 8, "person"]]}],
    ],
)
def test_spacys_entities_are_spans(tmp_path: Path, value: object) -> None:
    path = written(tmp_path, json.dumps(value) + "\n" + json.dumps({"text": "x", "entities": []}), "train.jsonl")

    found, _ = annotations_of(path, a_contract("spans"), BY_ADA)

    assert found["label"] == [{"start": 5, "end": 8, "label": "person"}]
    assert found["item"]["text"] == "late Ann"


COCO = {
    "images": [
        {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480},
        {"id": 2, "file_name": "b.jpg"},
        {"id": 3, "file_name": "c.jpg"},
    ],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 20, 30, 40]},
        {"id": 2, "image_id": 2, "category_id": 9, "bbox": [10, 20, 30, 40]},
        {"id": 3, "image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40]},
    ],
    "categories": [{"id": 3, "name": "car"}],
}


def test_cocos_boxes_are_one_annotation_for_each_image(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(COCO, indent=1), "instances.json")
    found = recognise(path, a_contract("boxes"), BY_ADA)

    good, unknown, stray = found.records()

    assert found.name == "COCO"
    annotation = orjson.loads(good.value)
    assert (annotation["item"]["id"], annotation["label"], annotation["annotator"]["id"]) == ("a.jpg", [BOX], "ada")
    assert annotation["item"]["media"] == {"uri": "a.jpg", "width": 640, "height": 480}
    assert "image b.jpg: annotation 2 has no bbox of four numbers or no known category" in (unknown.problem or "")
    assert "an image 7 that is not among the images" in (stray.problem or "")
    assert dict(found.notes) == {"images without a box, which are no votes": 1}


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id>12</id><updated>2026-11-24 02:00:00.5+00:00</updated>
    <assignee><username>bo</username></assignee></task></meta>
  <image id="0" name="a.jpg" width="640" height="480">
    <box label="car" xtl="10" ytl="20" xbr="40" ybr="60" occluded="0"></box>
  </image>
  <image id="1" name="b.jpg" width="640" height="480">
    <box label="car" xtl="10" ytl="20" xbr="40" ybr="60"/><ellipse label="bike" cx="1" cy="1" rx="1" ry="1"/>
  </image>
  <image id="2" name="c.jpg" width="640" height="480"/>
  <image id="3" name="d.jpg" width="640" height="480"><tag label="safe"/></image>
  <image id="4" name="e.jpg" width="640" height="480"><box label="car" xtl="10"/></image>
</annotations>
"""


def test_cvats_images_are_read_and_one_with_another_shape_is_kept_whole(tmp_path: Path) -> None:
    path = written(tmp_path, CVAT + " " * 200_000, "annotations.xml")
    found = recognise(path, a_contract("boxes"))

    boxes, ellipse, tag, broken = found.records()

    annotation = orjson.loads(boxes.value)
    assert (annotation["item"]["id"], annotation["annotator"]["id"], annotation["label"]) == ("a.jpg", "bo", [BOX])
    assert annotation["occurred_at"] == "2026-11-24T02:00:00.500000Z"
    assert ellipse.line == 9
    assert "image 'b.jpg': a ellipse of 'bike' is no rectangle; nothing of it is read" in (ellipse.problem or "")
    assert ellipse.value.startswith(b'<image id="1"')
    assert ellipse.value.endswith(b"</image>")
    assert orjson.loads(tag.value)["label"] == "safe"
    assert "a box has no xtl, ytl, xbr, ybr or label" in (broken.problem or "")
    assert dict(found.notes) == {"images without a shape or a tag, which are no votes": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>', "declares a document type"),
        ("<annotations><track></track></annotations>", "CVAT's export for video"),
        ("<annotations><image></annotations>", "no XML"),
        ("<annotation><filename/></annotation>", "of XML, only 'CVAT for images 1.1' is read"),
    ],
)
def test_other_xml_is_refused_with_what_to_do(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        records_of(written(tmp_path, content, "a.xml"))


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        (["B-PER", "I-PER", "O", "B-LOC"], [(0, 8, "PER"), (15, 19, "LOC")]),
        (["B-PER", "B-PER", "O", "S-LOC"], [(0, 3, "PER"), (4, 8, "PER"), (15, 19, "LOC")]),
        (["B-PER", "E-PER", "O", "U-LOC"], [(0, 8, "PER"), (15, 19, "LOC")]),
        (["I-PER", "I-PER", "I-LOC", "I-LOC"], [(0, 8, "PER"), (9, 19, "LOC")]),
        (["B-PER", "I-LOC", "O", "O"], [(0, 3, "PER"), (4, 8, "LOC")]),
        (["O", "O", "O", "O"], []),
    ],
)
def test_conlls_tags_are_spans_of_the_joined_tokens(tmp_path: Path, tags: list[str], spans: list[Any]) -> None:
    tokens = ["Ann", "Bell", "left.", "Rome"]
    lines = "\n".join(f"{token} NN X {tag}" for token, tag in zip(tokens, tags, strict=True))
    path = written(tmp_path, f"-DOCSTART- -X- O O\n\n{lines}\n\nHi O\nyou O\n", "train.txt")

    first, second = annotations_of(path, a_contract("spans"), BY_ADA)

    assert recognise(path, None).name == "CoNLL"
    assert first["item"] | {"attributes": {}} == {
        "id": "train:3", "text": "Ann Bell left. Rome", "features": None, "media": None, "gold": None, "attributes": {}
    }  # fmt: skip
    assert [(one["start"], one["end"], one["label"]) for one in first["label"]] == spans
    assert second["label"] == []


def test_a_sentence_without_a_tag_is_kept_and_named(tmp_path: Path) -> None:
    path = written(tmp_path, "Ann B-PER\nleft O\n\nBroken\nline O\n\nHi O\n", "a.conll")

    found = records_of(path, a_contract("spans"), BY_ADA)

    assert [one.problem is None for one in found] == [True, False, True]
    assert "a.conll:4: line 4 has no token with a tag like O or B-PER" in (found[1].problem or "")
    assert found[1].value == b"Broken\nline O\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.spacy", "needs spaCy; write the documents as JSON Lines"), ("a.zip", "unpack it"), ("a.arrow", "to_parquet")],
)
def test_what_cannot_be_read_faithfully_is_refused_with_what_to_do(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        records_of(written(tmp_path, b"\x78\x9c", name))
    with pytest.raises(InputError, match="a folder, not a file"):
        records_of(tmp_path)


def test_a_row_of_another_kind_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(DOCCANO) + '\n{"broken\n[1]\n' + json.dumps(DOCCANO), "a.jsonl")

    found = records_of(path, options=BY_ADA)

    assert [one.problem is None for one in found] == [True, False, False, True]
    assert "a.jsonl:3: a list that is no row of doccano's export" in (found[2].problem or "")
    assert found[1].value == b'{"broken'


def test_a_multilabel_contract_reads_a_single_label_as_a_list(tmp_path: Path) -> None:
    contract: LabelContract = a_contract("multilabel")

    assert votes_of(written(tmp_path, json.dumps(DOCCANO), "a.jsonl"), contract, BY_ADA) == [("3", "ada", ["scam"])]
