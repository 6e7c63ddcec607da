"""One worked example for each control of Label Studio."""

from typing import Any

import pytest

from assay_schemas.json_data import Json
from assay_services.gateway.core.decode_result import Annotations, DecodeContext, Rejected
from assay_services.gateway.core.platforms.label_studio import decode
from tests.services.gateway.payloads import asked, choices, ls_hook, ls_task, region, sent

SIZE = {"original_width": 640, "original_height": 480}


def config(*controls: str, shown: str = '<Text name="text" value="$text"/>') -> str:
    return f"<View>{shown}{''.join(controls)}</View>"


def label_of(*result: dict[str, Json], config: str, asking: DecodeContext | None = None, **changes: Json) -> object:
    outcome = decode(sent(ls_hook(*result, config=config, **changes)), asking or asked())
    assert isinstance(outcome, Annotations), outcome
    label = outcome.annotations[0].model_dump(mode="json")["label"]
    assert isinstance(label, object)
    return label


def reason_of(*result: dict[str, Any], config: str, asking: DecodeContext | None = None) -> str:
    outcome = decode(sent(ls_hook(*result, config=config)), asking or asked())
    assert isinstance(outcome, Rejected), outcome
    return outcome.reason


SINGLE = config('<Choices name="sentiment" toName="text"/>')
MULTIPLE = config('<Choices name="sentiment" toName="text" choice="multiple"/>')


@pytest.mark.parametrize(
    ("xml", "given", "label"),
    [
        (SINGLE, ["Negative"], "Negative"),
        (SINGLE, ["A", "B"], ["A", "B"]),
        (MULTIPLE, ["A"], ["A"]),
        (MULTIPLE, ["A", "B", "A"], ["A", "B"]),
        ("no config", ["A"], "A"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><View/>", ["A", "B"], ["A", "B"]),
    ],
)
def test_choices_are_a_word_or_several(xml: str, given: list[str], label: object) -> None:
    assert label_of(choices(*given), config=xml) == label


def test_a_choice_left_empty_says_nothing_and_several_left_empty_say_none() -> None:
    other = region("textarea", {"text": ["hm"]}, name="note")
    note = '<TextArea name="note" toName="text"/>'

    assert label_of(other, config=SINGLE.replace("</View>", f"{note}</View>")) is None
    assert label_of(other, config=MULTIPLE.replace("</View>", f"{note}</View>")) == []


@pytest.mark.parametrize(("result", "config"), [(None, MULTIPLE), ([], SINGLE), ([], "")])
def test_a_null_result_is_an_annotation_without_a_label(result: object, config: str) -> None:
    assert label_of(config=config, result=result) is None


def test_an_empty_result_of_spans_says_that_there_are_none() -> None:
    assert label_of(config=config('<Labels name="ner" toName="text"/>'), result=[]) == []


@pytest.mark.parametrize(("kind", "value"), [("rating", 4), ("number", 2.5), ("number", -3)])
def test_a_rating_and_a_number_are_numbers(kind: str, value: float) -> None:
    tag = kind.title()

    found = label_of(region(kind, {kind: value}, name="r"), config=config(f'<{tag} name="r" toName="text"/>'))

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("value", ["4", None, True, [4], 1e999])
def test_a_rating_that_is_no_number_is_rejected(value: object) -> None:
    assert "no number" in reason_of(region("rating", {"rating": value}), config="")


def test_two_ratings_by_one_control_are_rejected() -> None:
    one = region("rating", {"rating": 4})

    assert "one is wanted" in reason_of(one, one, config="")


@pytest.mark.parametrize(
    ("attribute", "paths", "label"),
    [
        ("", [["Animal", "Dog"]], ["Animal/Dog"]),
        ('maxUsages="1"', [["Animal", "Dog"]], "Animal/Dog"),
        ("", [["Animal"], ["Plant", "Tree"]], ["Animal", "Plant/Tree"]),
    ],
)
def test_a_taxonomy_gives_its_paths(attribute: str, paths: list[list[str]], label: object) -> None:
    xml = config(f'<Taxonomy name="kind" toName="text" {attribute}/>')

    assert label_of(region("taxonomy", {"taxonomy": paths}, name="kind"), config=xml) == label


def test_a_text_area_and_a_date_are_labels_where_nothing_else_is() -> None:
    area = config('<TextArea name="answer" toName="text"/>')
    date = config('<DateTime name="when" toName="text"/>')

    assert label_of(region("textarea", {"text": ["late"]}, name="answer"), config=area) == "late"
    assert label_of(region("textarea", {"text": ["a", "b"]}, name="answer"), config=area) == ["a", "b"]
    assert label_of(region("datetime", {"datetime": "2026-11-24"}, name="when"), config=date) == "2026-11-24"


def test_a_word_longer_than_a_label_may_be_is_rejected() -> None:
    assert "label" in reason_of(choices("x" * 200_000), config=SINGLE)


@pytest.mark.parametrize("value", [{"choices": [1]}, {"choices": [[1]]}, {"choices": {"a": 1}}, {}])
def test_choices_that_are_no_texts_are_rejected(value: dict[str, Any]) -> None:
    assert "a text is wanted" in reason_of(region("choices", value), config=SINGLE)


def test_a_pair_says_which_is_better() -> None:
    xml = (
        '<View><Text name="a" value="$a"/><Text name="b" value="$b"/><Pairwise name="better" toName="a, b"/>'
        '<Style>.x {}</Style><Header value="Which?"/></View>'
    )

    assert label_of(region("pairwise", {"selected": "left"}, name="better"), config=xml) == "left"
    assert "no text" in reason_of(region("pairwise", {"selected": 1}, name="better"), config=xml)


NER = config('<Labels name="ner" toName="text"/>')
# "Zoë 😀 likes 🇩🇪 Rome" counted by hand. UTF-16: Z0 o1 ë2 _3 😀4-5 _6 likes7-11 _12 🇩13-14 🇪15-16 _17 Rome18-21, so 22
# is the end; code points: 😀4 _5 likes6-10 _11 🇩12 🇪13 _14 Rome15-18, so 19 is the end.
EMOJI = "Zoë 😀 likes 🇩🇪 Rome"


@pytest.mark.parametrize(
    ("utf16", "code_points", "text"),
    [((0, 3), (0, 3), "Zoë"), ((4, 6), (4, 5), "😀"), ((18, 22), (15, 19), "Rome"), ((7, 12), (6, 11), "likes")],
)
def test_offsets_of_a_browser_become_code_points(
    utf16: tuple[int, int], code_points: tuple[int, int], text: str
) -> None:
    part = region("labels", {"start": utf16[0], "end": utf16[1], "text": text, "labels": ["X"]}, name="ner")

    found = label_of(part, config=NER, task=ls_task(data={"text": EMOJI}))

    assert found == [{"start": code_points[0], "end": code_points[1], "label": "X"}]
    assert EMOJI[slice(*code_points)] == text


def test_offsets_of_a_script_that_counts_code_points_stay_as_their_text_shows() -> None:
    part = region("labels", {"start": 15, "end": 19, "text": "Rome", "labels": ["PLACE"]}, name="ner")

    found = label_of(part, config=NER, task=ls_task(data={"text": EMOJI}))

    assert found == [{"start": 15, "end": 19, "label": "PLACE"}]


def test_a_stretch_with_two_labels_is_two_spans() -> None:
    part = region("labels", {"start": 0, "end": 3, "labels": ["A", "B"]}, name="ner")

    found = label_of(part, config=NER)

    assert found == [{"start": 0, "end": 3, "label": "A"}, {"start": 0, "end": 3, "label": "B"}]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"start": 0, "end": 3}, "no label"),
        ({"start": 0, "end": 3, "labels": [7]}, "no label"),
        ({"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "labels": ["A"]}, "plain text"),
        ({"start": 0, "end": 3, "channel": 0, "labels": ["A"]}, "plain text"),
        ({"start": True, "end": 3, "labels": ["A"]}, "plain text"),
    ],
)
def test_a_region_that_cannot_be_read_spoils_the_label(value: dict[str, Any], reason: str) -> None:
    good = region("labels", {"start": 0, "end": 3, "labels": ["A"]}, name="ner")

    said = reason_of(good, region("labels", value, name="ner"), config=NER)

    assert "annotation 2: region 2 of 'ner'" in said
    assert reason in said


BOXES = config('<RectangleLabels name="box" toName="image"/>', shown='<Image name="image" value="$image"/>')
IMAGE = ls_task(data={"image": "https://me:pass@host/a.png?size=1&X-Amz-Signature=abc", "market": "BR"})


def test_a_rectangle_in_percent_becomes_pixels_and_the_image_gets_its_size() -> None:
    value = {"x": 10, "y": 20, "width": 50, "height": 25, "rotation": 0, "rectanglelabels": ["car"]}

    outcome = decode(
        sent(ls_hook(region("rectanglelabels", value, name="box", **SIZE), config=BOXES, task=IMAGE)), asked()
    )

    assert isinstance(outcome, Annotations)
    found = outcome.annotations[0].model_dump(mode="json")
    assert found["label"] == [{"x": 64.0, "y": 96.0, "width": 320.0, "height": 120.0, "label": "car"}]
    assert found["item"]["media"] == {"uri": "https://host/a.png?size=1", "width": 640, "height": 480}
    assert found["item"]["attributes"] == {"market": "BR"}


def test_a_turned_rectangle_becomes_the_upright_one_around_it() -> None:
    # 64 x 48 pixels at (64, 96), turned clockwise by a quarter around that corner: it lies left of it, x 16 to 64.
    value = {"x": 10, "y": 20, "width": 10, "height": 10, "rotation": 90, "rectanglelabels": ["car"]}

    found = label_of(region("rectanglelabels", value, name="box", **SIZE), config=BOXES, task=IMAGE)

    assert found == [{"x": 16.0, "y": 96.0, "width": 48.0, "height": 64.0, "label": "car"}]


def test_a_box_outside_the_image_is_left_to_the_rules() -> None:
    value = {"x": -10, "y": 0, "width": 5, "height": 5000, "rectanglelabels": ["car"]}

    found = label_of(region("rectanglelabels", value, name="box", **SIZE), config=BOXES, task=IMAGE)

    assert found == [{"x": -64.0, "y": 0.0, "width": 32.0, "height": 24000.0, "label": "car"}]


def test_a_polygon_becomes_the_box_around_it() -> None:
    value = {"points": [[10, 10], [20, 10], [15, 50]], "closed": True, "polygonlabels": ["tree"]}
    xml = BOXES.replace("RectangleLabels", "PolygonLabels")

    found = label_of(region("polygonlabels", value, name="box", **SIZE), config=xml, task=IMAGE)

    assert found == [{"x": 64.0, "y": 48.0, "width": 64.0, "height": 192.0, "label": "tree"}]


@pytest.mark.parametrize(
    ("value", "more", "reason"),
    [
        ({"x": 1, "y": 1, "width": 1, "height": 1}, {}, "size"),
        ({"x": "1", "y": 1, "width": 1, "height": 1}, SIZE, "no numbers"),
        ({"x": 10**400, "y": 1, "width": 1, "height": 1}, SIZE, "no numbers"),
        ({"points": [[1, 2], [3]]}, SIZE, "no list of [x, y]"),
        ({"points": []}, SIZE, "no list of [x, y]"),
        ({"x": 1e308, "y": 1, "width": 1, "height": 1}, SIZE, "finite"),
    ],
)
def test_a_box_that_cannot_be_read_is_rejected(value: dict[str, Any], more: dict[str, Any], reason: str) -> None:
    part = region("rectanglelabels", {**value, "rectanglelabels": ["car"]}, name="box", **more)

    assert reason in reason_of(part, config=BOXES)


def test_spans_and_boxes_in_one_label_are_rejected() -> None:
    span = region("labels", {"start": 0, "end": 3, "labels": ["A"]}, name="box")
    box = region(
        "rectanglelabels", {"x": 1, "y": 1, "width": 1, "height": 1, "rectanglelabels": ["A"]}, name="box", **SIZE
    )

    assert "both spans and boxes" in reason_of(span, box, config="")
    assert "several kinds" in reason_of(span, choices("A", name="box"), config="")


def test_key_points_beside_boxes_are_left_out_and_said() -> None:
    box = region(
        "rectanglelabels", {"x": 1, "y": 1, "width": 1, "height": 1, "rectanglelabels": ["A"]}, name="box", **SIZE
    )
    point = region("keypointlabels", {"x": 1, "y": 1, "keypointlabels": ["A"]}, name="points")
    relation = {"type": "relation", "from_id": "a", "to_id": "b"}

    outcome = decode(sent(ls_hook(box, point, relation, {"id": "x"}, config=BOXES)), asked())

    assert isinstance(outcome, Annotations)
    assert len(outcome.annotations) == 1
    assert outcome.problems == tuple(
        f"annotation 2: {said} is not read" for said in ("'keypointlabels' of 'points'", "'no type'", "'relation'")
    )
    assert [(one.what, one.count) for one in outcome.unread] == [("keypointlabels", 1), ("no type", 1), ("relation", 1)]


def test_key_points_alone_are_no_label() -> None:
    point = region("keypointlabels", {"x": 1, "y": 1, "keypointlabels": ["A"]}, name="points")

    assert "only what is not read: 'keypointlabels'" in reason_of(point, config="")


TWO = config('<Rating name="stars" toName="text"/>', '<Choices name="sentiment" toName="text"/>')
BOTH = (choices("Negative"), region("rating", {"rating": 2}, name="stars"))


def test_of_several_controls_the_one_named_in_the_settings_counts() -> None:
    assert label_of(*BOTH, config=TWO, asking=asked(controls=("sentiment",))) == "Negative"
    assert label_of(*BOTH, config="", asking=asked(controls=("gone", "stars"))) == 2
    assert "none of the controls" in reason_of(*BOTH, config=TWO, asking=asked(controls=("gone",)))


def test_of_several_controls_without_a_setting_the_first_of_the_config_counts_and_it_is_said() -> None:
    outcome = decode(sent(ls_hook(*BOTH, config=TWO)), asked())

    assert isinstance(outcome, Annotations)
    assert outcome.annotations[0].label == 2
    assert "of the controls 'stars', 'sentiment' the first is taken" in outcome.problems[0]


def test_several_controls_without_config_and_setting_are_rejected() -> None:
    assert "name one in the settings" in reason_of(*BOTH, config="")


def test_remarks_and_answers_about_regions_are_no_choice() -> None:
    xml = config(
        '<TextArea name="note" toName="text"/>',
        '<Choices name="sentiment" toName="text"/>',
        '<Choices name="sure" toName="text" perRegion="true"/>',
    )
    result = (region("textarea", {"text": ["hm"]}, name="note"), choices("Negative"), choices("yes", name="sure"))

    outcome = decode(sent(ls_hook(*result, config=xml)), asked())

    assert isinstance(outcome, Annotations)
    assert outcome.annotations[0].label == "Negative"
    assert outcome.problems == ("annotation 2: 'choices' of 'sure' about a region is not read",)
    assert [(one.what, one.quiet) for one in outcome.unread] == [("choices", False), ("textarea", True)]
    assert label_of(*result[:2], config="") == "Negative"


def test_a_control_that_the_config_does_not_have_is_said() -> None:
    outcome = decode(sent(ls_hook(choices("A", name="other"))), asked())

    assert isinstance(outcome, Annotations)
    assert outcome.annotations[0].label is None
    assert outcome.problems == ("annotation 2: there is no control 'other' in the label config",)


@pytest.mark.parametrize(("result", "reason"), [("x", "a list is wanted"), ([1], "result[0] is a number")])
def test_a_result_of_another_form_is_rejected(result: object, reason: str) -> None:
    outcome = decode(sent(ls_hook(result=result)), asked())

    assert isinstance(outcome, Rejected)
    assert reason in outcome.reason
