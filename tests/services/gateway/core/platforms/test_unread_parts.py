"""What a decoder does not read never becomes an empty vote or a shortened label, and it is said."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assay_services.gateway.core.platforms import cvat, ground_truth
from tests.services.gateway.core.platforms.test_cvat import a_job, a_shape
from tests.services.gateway.core.platforms.unread_examples import (
    of_appen,
    of_argilla,
    of_cvat,
    of_doccano,
    of_generic,
    of_ground_truth,
    of_label_studio,
    of_labelbox,
    of_prodigy,
    of_scale,
    told,
)
from tests.services.gateway.payloads import asked, sent

S = {"original_width": 640, "original_height": 480}
IMG = '<Image name="image" value="$image"/>'
TXT = '<Text name="text" value="$text"/>'
CH = '<Choices name="c" toName="text"><Choice value="a"/></Choices>'


def r(kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401  # of a result
    named = {"id": more.pop("id", "r1"), "from_name": more.pop("name", "b"), "to_name": more.pop("to", "image")}
    return {**named, "type": kind, "value": value, **S, **more}


RECT = r("rectanglelabels", {"x": 10, "y": 20, "width": 5, "height": 5, "rectanglelabels": ["car"]})
ELL = r("ellipselabels", {"x": 1, "y": 1, "radiusX": 1, "radiusY": 1, "ellipselabels": ["car"]}, id="r2")
KEY = r("keypointlabels", {"x": 1, "y": 1, "width": 1, "keypointlabels": ["car"]}, id="r3", name="k")


def span(start: int, end: int, text: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": ["A"]}
    return {"id": "s1", "from_name": "n", "to_name": "text", "type": "labels", "value": value}


NER = '<Labels name="n" toName="text"/>'


def ch(*words: str, **more: str) -> dict[str, Any]:
    return {
        "id": "c1",
        "from_name": "c",
        "to_name": "text",
        "type": "choices",
        "value": {"choices": list(words)},
        **more,
    }


MULTI = asked(label_kind="multilabel")
CAT = asked(label_kind="categorical")
ORD = asked(label_kind="ordinal")
SP = asked(label_kind="spans")
BX = asked(label_kind="boxes")
RL = '<RectangleLabels name="b" toName="image"/>'

CASES: list[tuple[str, Callable[[], Any], object, list[str]]] = [
    (
        "ls rect+ellipse",
        lambda: of_label_studio(IMG + RL + '<EllipseLabels name="b" toName="image"/>', RECT, ELL),
        "rejected",
        [("annotation 2: 'ellipselabels' of 'b' is not read, and without it the label would not be complete")],
    ),
    (
        "ls rect+ellipse other control",
        lambda: of_label_studio(IMG + RL + '<EllipseLabels name="e" toName="image"/>', RECT, {**ELL, "from_name": "e"}),
        "rejected",
        [("annotation 2: 'ellipselabels' of 'e' is not read, and without it the label would not be complete")],
    ),
    (
        "ls rect+keypoint",
        lambda: of_label_studio(IMG + RL + '<KeyPointLabels name="k" toName="image"/>', RECT, KEY),
        [{"x": 64.0, "y": 96.0, "width": 32.0, "height": 24.0, "label": "car"}],
        ["annotation 2: 'keypointlabels' of 'k' is not read", "unread: keypointlabels"],
    ),
    (
        "ls rect+brush",
        lambda: of_label_studio(
            IMG + RL + '<BrushLabels name="m" toName="image"/>',
            RECT,
            r("brushlabels", {"format": "rle", "rle": [1], "brushlabels": ["car"]}, name="m", id="r5"),
        ),
        "rejected",
        [("annotation 2: 'brushlabels' of 'm' is not read, and without it the label would not be complete")],
    ),
    (
        "ls choices+ranker",
        lambda: of_label_studio(
            TXT + CH + '<Ranker name="k" toName="text"/>',
            ch("a"),
            {"id": "k", "from_name": "k", "to_name": "text", "type": "ranker", "value": {"ranker": {"_": ["x"]}}},
        ),
        "a",
        ["annotation 2: 'ranker' of 'k' is not read", "unread: ranker"],
    ),
    (
        "ls choices+relation",
        lambda: of_label_studio(
            TXT + CH, ch("a"), {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
        ),
        "a",
        ["annotation 2: 'relation' is not read", "unread: relation"],
    ),
    (
        "ls untyped only",
        lambda: of_label_studio(TXT + CH, {"id": "k", "from_name": "c", "to_name": "text", "value": {}}),
        "rejected",
        ["annotation 2: it holds only what is not read: 'no type'"],
    ),
    (
        "ls two choice controls",
        lambda: of_label_studio(
            TXT + CH + '<Choices name="d" toName="text"><Choice value="a"/></Choices>',
            ch("a"),
            ch("b", from_name="d", id="c2"),
        ),
        "a",
        ["annotation 2: of the controls 'c', 'd' the first is taken; name one in the settings", "unread: choices"],
    ),
    (
        "ls rect + labels on polygon control unnamed",
        lambda: of_label_studio(
            IMG + RL + '<PolygonLabels name="p" toName="image"/>',
            RECT,
            r("polygonlabels", {"points": [[1, 2], [3, 4], [5, 1]], "polygonlabels": ["car"]}, name="p", id="r7"),
        ),
        "rejected",
        [
            (
                "annotation 2: the label may be in 'b' or in 'p', and one alone would not be complete; "
                "name one in the settings"
            )
        ],
    ),
    (
        "ls empty rect named, polygon elsewhere",
        lambda: of_label_studio(
            IMG + RL + '<PolygonLabels name="p" toName="image"/>',
            r("polygonlabels", {"points": [[1, 2], [3, 4], [5, 1]], "polygonlabels": ["car"]}, name="p", id="r7"),
            asking=asked(controls=("b",)),
        ),
        [],
        ["unread: polygonlabels"],
    ),
    (
        "ls region choice",
        lambda: of_label_studio(
            IMG + RL + '<Choices name="q" toName="image" perRegion="true"/>',
            RECT,
            {**RECT, "type": "choices", "from_name": "q", "value": {"choices": ["x"]}},
        ),
        [{"x": 64.0, "y": 96.0, "width": 32.0, "height": 24.0, "label": "car"}],
        ["annotation 2: 'choices' of 'q' about a region is not read", "unread: choices"],
    ),
    (
        "ls video",
        lambda: of_label_studio(
            '<Video name="v" value="$v"/><VideoRectangle name="b" toName="v"/>',
            r("videorectangle", {"sequence": []}, to="v"),
        ),
        "rejected",
        ["annotation 2: it holds only what is not read: 'videorectangle'"],
    ),
    (
        "ls video beside choices",
        lambda: of_label_studio(
            TXT + CH + '<Video name="v" value="$v"/><VideoRectangle name="b" toName="v"/>',
            ch("a"),
            r("videorectangle", {"sequence": []}, to="v"),
        ),
        "a",
        ["annotation 2: 'videorectangle' of 'b' is not read", "unread: videorectangle"],
    ),
    (
        "ls pages",
        lambda: of_label_studio(IMG + RL, {**RECT, "item_index": 1}, {**RECT, "id": "r9", "item_index": 2}),
        "rejected",
        [
            (
                "annotation 2: it is about pages of an item (2, 3); a label is about one image or "
                "text: import each page as a task of its own"
            )
        ],
    ),
    (
        "ls one page",
        lambda: of_label_studio(IMG + RL, {**RECT, "item_index": 0}),
        [{"x": 64.0, "y": 96.0, "width": 32.0, "height": 24.0, "label": "car"}],
        [],
    ),
    (
        "ls audio span",
        lambda: of_label_studio(
            '<Audio name="a" value="$a"/><Labels name="n" toName="a"/>',
            {
                "id": "s",
                "from_name": "n",
                "to_name": "a",
                "type": "labels",
                "value": {"start": 0.5, "end": 2.1, "labels": ["A"]},
            },
        ),
        "rejected",
        ["annotation 2: region 1 of 'n': only spans of plain text, rectangles and polygons are read"],
    ),
    (
        "ls paragraphs",
        lambda: of_label_studio(
            '<Paragraphs name="p" value="$p"/><ParagraphLabels name="n" toName="p"/>',
            {
                "id": "s",
                "from_name": "n",
                "to_name": "p",
                "type": "paragraphlabels",
                "value": {"start": "0", "end": "0", "startOffset": 0, "endOffset": 3, "paragraphlabels": ["A"]},
            },
        ),
        "rejected",
        ["annotation 2: it holds only what is not read: 'paragraphlabels'"],
    ),
    (
        "span crlf",
        lambda: of_label_studio(TXT + NER, span(4, 7, "two"), text="one\r\ntwo"),
        [{"start": 5, "end": 8, "label": "A"}],
        ["annotation 2: region 1 of 'n': the span's text 'two' stands at 5-8, not at 4-7"],
    ),
    (
        "span entity",
        lambda: of_label_studio(TXT + NER, span(2, 5, "b&c"), text="a b&amp;c d"),
        [{"start": 2, "end": 9, "label": "A"}],
        ["annotation 2: region 1 of 'n': the span's text 'b&c' stands at 2-9, not at 2-5"],
    ),
    (
        "span entity2",
        lambda: of_label_studio(TXT + NER, span(8, 9, "d"), text="a &lt;b&gt; d d"),
        [{"start": 14, "end": 15, "label": "A"}],
        ["annotation 2: region 1 of 'n': the span's text 'd' stands at 14-15, not at 8-9"],
    ),
    (
        "span tag",
        lambda: of_label_studio(TXT + NER, span(2, 6, "bold"), text="a <b>bold</b> x bold"),
        [{"start": 5, "end": 9, "label": "A"}],
        ["annotation 2: region 1 of 'n': the span's text 'bold' stands at 5-9, not at 2-6"],
    ),
    (
        "span spaces",
        lambda: of_label_studio(TXT + NER, span(2, 5, "b c"), text="a  b   c b c"),
        [{"start": 3, "end": 8, "label": "A"}],
        ["annotation 2: region 1 of 'n': the span's text 'b c' stands at 3-8, not at 2-5"],
    ),
    (
        "span trimmed",
        lambda: of_label_studio(TXT + NER, span(3, 9, " late "), text="was late now"),
        [{"start": 3, "end": 9, "label": "A"}],
        [],
    ),
    (
        "span bare",
        lambda: of_label_studio(TXT + NER, span(3, 9, "late"), text="was late now"),
        [{"start": 4, "end": 8, "label": "A"}],
        ["annotation 2: region 1 of 'n': the span's text 'late' stands at 4-8, not at 3-9"],
    ),
    (
        "span elsewhere once",
        lambda: of_label_studio(TXT + NER, span(0, 3, "now"), text="was late now"),
        [{"start": 9, "end": 12, "label": "A"}],
        ["annotation 2: region 1 of 'n': the span's text 'now' stands at 9-12, not at 0-3"],
    ),
    (
        "span elsewhere bare once",
        lambda: of_label_studio(TXT + NER, span(0, 3, " now!"), text="was late now! ok"),
        [{"start": 8, "end": 13, "label": "A"}],
        ["annotation 2: region 1 of 'n': the span's text ' now!' stands at 8-13, not at 0-3"],
    ),
    (
        "span nowhere",
        lambda: of_label_studio(TXT + NER, span(0, 3, "xyz"), text="was late now"),
        "rejected",
        [
            (
                "annotation 2: region 1 of 'n': the span's text is 'xyz', but the item's text has "
                "'was' at 0-3, and it does not stand at just one other place"
            )
        ],
    ),
    (
        "span twice",
        lambda: of_label_studio(TXT + NER, span(0, 1, "aa"), text="x aa aa"),
        "rejected",
        [
            (
                "annotation 2: region 1 of 'n': the span's text is 'aa', but the item's text has 'x' "
                "at 0-1, and it does not stand at just one other place"
            )
        ],
    ),
    (
        "span utf16",
        lambda: of_label_studio(TXT + NER, span(3, 7, "late"), text="\U0001f600 late"),
        [{"start": 2, "end": 6, "label": "A"}],
        [],
    ),
    (
        "span lead blanks",
        lambda: of_label_studio(TXT + NER, span(0, 4, "late"), text="\n\nlate now late"),
        [{"start": 2, "end": 6, "label": "A"}],
        ["annotation 2: region 1 of 'n': the span's text 'late' stands at 2-6, not at 0-4"],
    ),
    ("ls single choice multilabel", lambda: of_label_studio(TXT + CH, ch("a"), asking=MULTI), ["a"], []),
    ("ls text number ordinal", lambda: of_label_studio(TXT + CH, ch("3"), asking=ORD), 3, []),
    ("ls text decimal ordinal", lambda: of_label_studio(TXT + CH, ch("2.5"), asking=ORD), 2.5, []),
    (
        "ls empty categorical",
        lambda: of_label_studio(
            TXT + '<Choices name="c" toName="text" choice="multiple"/>',
            {"id": "t", "from_name": "t", "to_name": "text", "type": "textarea", "value": {"text": ["x"]}},
            asking=CAT,
        ),
        None,
        ["annotation 2: there is no control 't' in the label config", "unread: textarea"],
    ),
    (
        "lb radio nested",
        lambda: of_labelbox(
            classifications=[
                {
                    "name": "q",
                    "radio_answer": {
                        "name": "Yes",
                        "classifications": [{"name": "why", "text_answer": {"content": "x"}}],
                    },
                }
            ]
        ),
        "Yes",
        ["label: the nested answer 'why' is not read", "unread: nested answer"],
    ),
    (
        "lb check nested",
        lambda: of_labelbox(
            classifications=[
                {
                    "name": "q",
                    "checklist_answers": [
                        {
                            "name": "Yes",
                            "classifications": [
                                {"name": "why", "radio_answer": {"name": "z", "classifications": [{"name": "deep"}]}}
                            ],
                        }
                    ],
                }
            ]
        ),
        ["Yes"],
        [
            "label: the nested answer 'deep' is not read",
            "label: the nested answer 'why' is not read",
            "unread: nested answer",
            "unread: nested answer",
        ],
    ),
    (
        "lb box+mask",
        lambda: of_labelbox(
            objects=[
                {"name": "car", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}},
                {"name": "car", "mask": {"url": "u"}},
            ]
        ),
        "rejected",
        ["label: objects[1] is no box, polygon or stretch of text with a name: 'mask' is not read"],
    ),
    (
        "lb box+polygon",
        lambda: of_labelbox(
            objects=[
                {"name": "car", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}},
                {
                    "name": "car",
                    "polygon": [{"x": 1, "y": 2}, {"x": 4, "y": 9}],
                    "classifications": [{"name": "color"}],
                },
            ]
        ),
        [
            {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "label": "car"},
            {"x": 1.0, "y": 2.0, "width": 3.0, "height": 7.0, "label": "car"},
        ],
        ["label: the nested answer 'color' is not read", "unread: nested answer", "unread: polygon"],
    ),
    (
        "lb point only",
        lambda: of_labelbox(objects=[{"name": "p", "point": {"x": 1, "y": 1}}]),
        "rejected",
        ["label: objects[0] is no box, polygon or stretch of text with a name: 'point' is not read"],
    ),
    (
        "lb relation",
        lambda: of_labelbox(
            objects=[{"name": "car", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}}],
            relationships=[{"name": "r"}],
            classifications=[{"name": "q", "radio_answer": {"name": "Yes"}}],
        ),
        [{"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "label": "car"}],
        [
            "label: the answer to 'q' beside the objects is not read",
            "label: a relationship is not read",
            "unread: classification",
            "unread: relationship",
        ],
    ),
    (
        "lb class named beside objects",
        lambda: of_labelbox(
            asked(controls=("q",)),
            objects=[{"name": "car", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}}],
            classifications=[{"name": "q", "radio_answer": {"name": "Yes"}}],
        ),
        "Yes",
        ["label: an object beside the answer is not read", "unread: object"],
    ),
    (
        "lb multi",
        lambda: of_labelbox(MULTI, classifications=[{"name": "q", "radio_answer": {"name": "Yes"}}]),
        ["Yes"],
        [],
    ),
    (
        "lb frames",
        lambda: of_labelbox(frames={"1": {}}),
        "rejected",
        ["label: its 'frames' are not read: they are about the frames of a video"],
    ),
    (
        "lb box no place",
        lambda: of_labelbox(objects=[{"name": "A", "location": {"start": "x"}}]),
        "rejected",
        ["label: objects[0] is no box, polygon or stretch of text with a name"],
    ),
    (
        "lb bad box",
        lambda: of_labelbox(objects=[{"name": "A", "bounding_box": {"left": "x"}}]),
        "rejected",
        ["label: objects[0] is no box, polygon or stretch of text with a name"],
    ),
    (
        "lb pages",
        lambda: of_labelbox(
            objects=[
                {"name": "A", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}, "page_number": 1},
                {"name": "A", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}, "page_number": 2},
            ]
        ),
        "rejected",
        ["label: its objects lie on pages 1, 2 of a document; a label is about one image"],
    ),
    (
        "pr ner no spans",
        lambda: of_prodigy(accept="-", options="-", tokens=[{"text": "The"}], _view_id="ner_manual"),
        [],
        [],
    ),
    (
        "pr ner tokens no view",
        lambda: of_prodigy(accept="-", options="-", tokens=[{"text": "The"}], _view_id="-"),
        [],
        [],
    ),
    ("pr blocks no spans", lambda: of_prodigy(SP, accept="-", options="-", _view_id="blocks"), [], []),
    (
        "pr label+spans",
        lambda: of_prodigy(
            accept="-",
            options="-",
            label="POS",
            spans=[{"start": 0, "end": 3, "label": "x"}],
            _view_id="classification",
        ),
        "POS",
        [],
    ),
    (
        "pr label only kind spans",
        lambda: of_prodigy(SP, accept="-", options="-", label="POS", _view_id="blocks"),
        "POS",
        [],
    ),
    (
        "pr choice + spans in blocks",
        lambda: of_prodigy(accept=["a"], spans=[{"start": 0, "end": 3, "label": "x"}], _view_id="blocks"),
        "a",
        ["answers[0]: a span beside the options is not read", "unread: spans"],
    ),
    (
        "pr choice + spans, spans kind",
        lambda: of_prodigy(
            SP, accept=["a"], spans=[{"start": 0, "end": 3, "label": "x", "text": "The"}], _view_id="blocks"
        ),
        [{"start": 0, "end": 3, "label": "x"}],
        ["answers[0]: an option beside the spans is not read", "unread: accept"],
    ),
    (
        "pr relations",
        lambda: of_prodigy(
            accept="-",
            options="-",
            spans=[{"start": 0, "end": 3, "label": "x"}],
            relations=[{"head": 1}],
            _view_id="relations",
        ),
        [{"start": 0, "end": 3, "label": "x"}],
        ["answers[0]: a part of 'relations' is not read", "unread: relations"],
    ),
    (
        "pr relations only",
        lambda: of_prodigy(accept="-", options="-", relations=[{"head": 1}], _view_id="relations"),
        "rejected",
        ["answers[0]: it holds only what is not read: 'relations'"],
    ),
    (
        "pr relations, no spans",
        lambda: of_prodigy(accept="-", options="-", spans=[], relations=[{"head": 1}], _view_id="relations"),
        "rejected",
        ["answers[0]: it holds only what is not read: 'relations'"],
    ),
    (
        "pr audio",
        lambda: of_prodigy(
            accept="-",
            options="-",
            audio="a.wav",
            audio_spans=[{"start": 1, "end": 2, "label": "A"}],
            _view_id="audio_manual",
        ),
        "rejected",
        ["answers[0]: it holds only what is not read: 'audio_spans'"],
    ),
    (
        "pr image shapes",
        lambda: of_prodigy(
            accept="-",
            options="-",
            image="a",
            spans=[
                {"label": "t", "type": "polygon", "points": [[0, 0], [5, 6]]},
                {"label": "t", "type": "freehand", "points": [[0, 0], [5, 6]]},
            ],
            _view_id="image_manual",
        ),
        [
            {"x": 0.0, "y": 0.0, "width": 5.0, "height": 6.0, "label": "t"},
            {"x": 0.0, "y": 0.0, "width": 5.0, "height": 6.0, "label": "t"},
        ],
        ["unread: freehand", "unread: polygon"],
    ),
    (
        "pr span text elsewhere",
        lambda: of_prodigy(
            accept="-", options="-", spans=[{"start": 0, "end": 3, "label": "x", "text": "late"}], _view_id="ner_manual"
        ),
        [{"start": 17, "end": 21, "label": "x"}],
        ["answers[0]: the span's text 'late' stands at 17-21, not at 0-3"],
    ),
    (
        "pr span text nowhere",
        lambda: of_prodigy(
            accept="-", options="-", spans=[{"start": 0, "end": 3, "label": "x", "text": "zzz"}], _view_id="ner_manual"
        ),
        "rejected",
        [
            (
                "answers[0]: the span's text is 'zzz', but the item's text has 'The' at 0-3, and it "
                "does not stand at just one other place"
            )
        ],
    ),
    (
        "dc one of several",
        lambda: of_doccano({"label": ["bug"]}, asked(annotator="amy", label_kind="multilabel")),
        ["bug"],
        [],
    ),
    (
        "dc entities+relations+cats",
        lambda: of_doccano(
            {
                "entities": [{"start_offset": 0, "end_offset": 3, "label": "x"}],
                "relations": [{"id": 1}],
                "cats": ["a"],
                "Comments": ["c"],
            }
        ),
        [{"start": 0, "end": 3, "label": "x"}],
        [
            "row 1: 'cats' is not read",
            "row 1: a relation is not read",
            "unread: cats",
            "unread: comment",
            "unread: relation",
        ],
    ),
    (
        "dc cats kind",
        lambda: of_doccano(
            {"entities": [{"start_offset": 0, "end_offset": 3, "label": "x"}], "cats": ["a"]},
            asked(annotator="amy", label_kind="categorical"),
        ),
        "a",
        ["row 1: 'entities' is not read", "unread: entities"],
    ),
    (
        "gt ref",
        lambda: told(
            ground_truth.decode(
                sent(
                    {
                        "source-ref": "s3://b/a.png",
                        "seg-ref": "s3://b/o/1.png",
                        "seg-ref-metadata": {
                            "type": "groundtruth/semantic-segmentation",
                            "creation-date": "2026-11-24T02:00:00",
                        },
                    }
                ),
                asked(annotator="amy"),
            )
        ),
        "rejected",
        ["line 1: 'seg-ref': it is the address of a file that is not read ('semantic-segmentation')"],
    ),
    (
        "gt ref no type",
        lambda: told(
            ground_truth.decode(
                sent(
                    {
                        "source-ref": "s3://b/a.png",
                        "seg-ref": "s3://b/o/1.png",
                        "seg-ref-metadata": {"creation-date": "2026-11-24T02:00:00"},
                    }
                ),
                asked(annotator="amy"),
            )
        ),
        "rejected",
        ["line 1: 'seg-ref': it is the address of a file that is not read ('unknown type')"],
    ),
    (
        "gt failed",
        lambda: of_ground_truth(**{"sentiment-metadata": {"failure-reason": "timeout", "type": "x"}}),
        "rejected",
        ["line 1: 'sentiment': the job failed on this item: 'timeout'"],
    ),
    (
        "gt entities bad",
        lambda: told(
            ground_truth.decode(
                sent(
                    {"source": "The", "n": {"annotations": {"x": 1}}, "n-metadata": {"type": "groundtruth/text-span"}}
                ),
                asked(annotator="amy"),
            )
        ),
        "rejected",
        ["line 1: 'n': its annotations hold no list 'entities'"],
    ),
    (
        "gt text label",
        lambda: told(
            ground_truth.decode(
                sent({"source": "The", "n": "neg", "n-metadata": {"type": "groundtruth/custom"}}),
                asked(annotator="amy"),
            )
        ),
        "neg",
        [],
    ),
    (
        "sc box+line",
        lambda: of_scale(
            {
                "annotations": [
                    {"type": "box", "label": "car", "left": 1, "top": 2, "width": 3, "height": 4},
                    {"type": "line", "label": "l", "vertices": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]},
                ]
            },
            kind="imageannotation",
        ),
        "rejected",
        ["task: annotations[1] is of the type 'line'; boxes, polygons and spans are read"],
    ),
    (
        "sc polygon",
        lambda: of_scale(
            {
                "annotations": [
                    {
                        "type": "polygon",
                        "label": "car",
                        "vertices": [{"x": 1, "y": 1}, {"x": 2, "y": 2}, {"x": 0, "y": 4}],
                        "attributes": {"a": 1},
                    }
                ],
                "global_attributes": {"g": 1},
                "links": [1],
            },
            kind="imageannotation",
        ),
        [{"x": 0.0, "y": 1.0, "width": 2.0, "height": 3.0, "label": "car"}],
        [
            "task: a link between shapes is not read",
            "unread: attribute",
            "unread: global attribute",
            "unread: link",
            "unread: polygon",
        ],
    ),
    (
        "sc category+shape",
        lambda: of_scale({"category": "red", "annotations": [{"type": "box"}, {}]}),
        "red",
        [
            "task: an object beside the category is not read",
            "task: of the type 'box' beside the category is not read",
            "unread: annotation",
            "unread: box",
        ],
    ),
    (
        "sc url",
        lambda: of_scale({"annotations": {"url": "https://x/y.json"}}),
        "rejected",
        ["task: its annotations are the address of a file that is not read"],
    ),
    (
        "ap json shapes",
        lambda: of_appen('[{"type":"box","coordinates":{"x":1}}]'),
        "rejected",
        ["judgment 901: the label is a list that is not read (it holds 'box'): it is JSON in a text"],
    ),
    ("ap bracket text", lambda: of_appen("[ok"), "[ok", []),
    ("ap json number text", lambda: of_appen("  [1"), "  [1", []),
    ("ap json list texts", lambda: of_appen('["a","b"]'), '["a","b"]', []),
    (
        "ar ranking only",
        lambda: of_argilla({"r": "ranking"}, {"r": [{"value": "a", "rank": 1}]}),
        "rejected",
        ["response 3c1f: it holds only what is not read: a ranking"],
    ),
    (
        "ar ranking beside",
        lambda: of_argilla({"s": "label_selection", "r": "ranking"}, {"s": "neg", "r": [{"value": "a", "rank": 1}]}),
        "neg",
        ["response 3c1f: the ranking 'r' is not read", "unread: ranking"],
    ),
    ("ar span none", lambda: of_argilla({"n": "span"}, {}), None, []),
    (
        "ge polygon",
        lambda: of_generic([{"type": "polygon", "points": [[0, 0], [5, 6]], "label": "x"}]),
        "rejected",
        ["events[0]: label: its parts are of the shape 'polygon'; boxes and spans are read"],
    ),
    (
        "ge box",
        lambda: of_generic([{"x": 1, "y": 2, "width": 3, "height": 4, "label": "x"}]),
        [{"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "label": "x"}],
        [],
    ),
    (
        "cv rect+ellipse",
        lambda: of_cvat(a_shape(), a_shape(type="ellipse")),
        [],
        ["frame 0: 'ellipse' is not read; the frame stays as it was"],
    ),
    (
        "cv rect+mask",
        lambda: of_cvat(a_shape(), a_shape(type="mask")),
        [],
        ["frame 0: 'mask' is not read; the frame stays as it was"],
    ),
    (
        "cv polygon attr",
        lambda: of_cvat(a_shape(type="polygon", points=[1, 1, 5, 1, 5, 5], attributes=[{"spec_id": 1, "value": "x"}])),
        [{"x": 1.0, "y": 1.0, "width": 4.0, "height": 4.0, "label": "car"}],
        ["unread: attribute", "unread: polygon"],
    ),
    (
        "cv tag+shape",
        lambda: of_cvat(a_shape(), tags=[{"frame": 0, "label_id": 1}]),
        [{"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "label": "car"}],
        ["tags are not read beside shapes", "unread: tag"],
    ),
    (
        "cv tag+shape tags kind",
        lambda: of_cvat(a_shape(), a_shape(frame=1), tags=[{"frame": 0, "label_id": 1}], asking=MULTI),
        ["car"],
        ["frame 1: it holds only what is not read: 'rectangle'", "unread: rectangle"],
    ),
    (
        "cv track",
        lambda: of_cvat(
            a_shape(frame=3), tracks=[{"label_id": 1, "frame": 0, "shapes": [a_shape(frame=0), a_shape(frame=5)]}]
        ),
        [
            [{"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "label": "car"}],
            [{"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "label": "car"}],
        ],
        ["frame 3: a track crosses it between its keyframes; set a keyframe there"],
    ),
    (
        "cv track left",
        lambda: of_cvat(
            a_shape(frame=3), tracks=[{"label_id": 1, "frame": 0, "shapes": [a_shape(frame=0, outside=True)]}]
        ),
        [{"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "label": "car"}],
        [],
    ),
    (
        "ls control unknown",
        lambda: of_label_studio(TXT + CH, ch("a"), asking=asked(controls=("zz",))),
        "rejected",
        ["annotation 2: there is none of the controls named in the settings"],
    ),
    (
        "cv intervals",
        lambda: told(
            cvat.decode_job(replace(a_job(a_shape()), annotations={"shapes": [a_shape()], "intervals": [1]}), asked())
        ),
        [{"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "label": "car"}],
        ["intervals are not read"],
    ),
]


@pytest.mark.parametrize(("work", "label", "said"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_what_is_not_read_is_said(work: Callable[[], Any], label: object, said: list[str]) -> None:
    found, problems = work()

    assert json.loads(json.dumps(found)) == label
    assert problems == said
