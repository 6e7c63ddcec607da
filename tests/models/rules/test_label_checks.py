"""The built-in rules about the label itself."""

from typing import Any

import pytest

from assay_models.rules import label_checks
from assay_schemas.contract.rules import KnownLabelRule, LabelCountRule, LabelRangeRule
from tests.models.rules.judged import findings, places
from tests.support.builders import GOOD, LABELS, a_contract, an_annotation, an_item

OVERLAPPING = [{"start": 0, "end": 9, "label": "person"}, {"start": 8, "end": 12, "label": "place"}]
ANY_LABEL: dict[str, Any] = {
    "nothing": None,
    "text": "safe",
    "whole": 3,
    "number": 3.5,
    "texts": ["safe"],
    "spans": GOOD["spans"],
    "boxes": GOOD["boxes"],
}
FITTING = {
    "categorical": {"text"},
    "pairwise": {"text"},
    "ordinal": {"whole", "number"},
    "multilabel": {"texts"},
    "spans": {"spans"},
    "boxes": {"boxes"},
}


def a_span(start: int, end: int, label: str = "person") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def a_box(x: float, y: float, width: float, height: float) -> dict[str, Any]:
    return {"x": x, "y": y, "width": width, "height": height, "label": "car"}


@pytest.mark.parametrize("kind", LABELS)
def test_nothing_is_found_where_nothing_is_wrong(kind: str) -> None:
    annotation = an_annotation(label=GOOD[kind])

    found = findings(annotation, a_contract(kind))

    assert found == []


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("came", ANY_LABEL)
def test_a_label_of_another_kind_is_objected_to(kind: str, came: str) -> None:
    annotation = an_annotation(label=ANY_LABEL[came])

    found = places(annotation, a_contract(kind))

    assert (("label-kind", "label") in found) is (came not in FITTING[kind])


@pytest.mark.parametrize(
    ("label", "said"),
    [(None, "missing"), ("safe", "a text"), (3, "a number"), (2.5, "a number"), (["x"], "a list")],
)
def test_the_message_says_which_kind_came_and_which_is_wanted(label: object, said: str) -> None:
    contract = a_contract("boxes", rules=[{"id": "known-label", "enabled": False}])

    found = findings(an_annotation(label=label), contract)

    assert found[0].message == f"the label is {said}; this project wants a list of boxes"


def test_no_labels_at_all_is_a_label_of_every_list_kind() -> None:
    annotation = an_annotation(label=[])

    found = [places(annotation, a_contract(kind)) for kind in ("multilabel", "spans", "boxes")]

    assert found == [[], [], []]


def test_a_label_outside_the_vocabulary_is_objected_to() -> None:
    annotation = an_annotation(label="gambling")

    found = findings(annotation)

    assert [(one.rule, one.path, one.action) for one in found] == [("known-label", "label", "reject")]
    assert found[0].message == ("'gambling' is not a label of this project; the contract has 'safe', 'adult', 'scam'")


def test_the_nearest_label_is_suggested() -> None:
    annotation = an_annotation(label="adlut")

    found = findings(annotation)

    assert found[0].message == "'adlut' is not a label of this project; did the annotator mean 'adult'?"


def test_of_a_long_vocabulary_five_labels_are_listed() -> None:
    contract = a_contract(label={"values": ["a1", "b2", "c3", "d4", "e5", "f6"]})

    found = findings(an_annotation(label="zzz"), contract)

    assert found[0].message.endswith("the contract has 'a1', 'b2', 'c3', 'd4', 'e5' …")


def test_each_unknown_part_of_a_list_is_named_where_it_stands() -> None:
    spans = [a_span(0, 4), a_span(14, 18, "city"), a_span(20, 22, "river")]

    found = [
        places(an_annotation(label=["safe", "odd"]), a_contract("multilabel")),
        places(an_annotation(label=spans), a_contract("spans")),
    ]

    assert found == [
        [("known-label", "label[1]")],
        [("known-label", "label[1].label"), ("known-label", "label[2].label")],
    ]


def test_only_the_first_three_unknown_parts_get_a_suggestion() -> None:
    contract = a_contract("multilabel", rules=[{"id": "label-count", "enabled": False}])

    found = findings(an_annotation(label=[f"safe{number}" for number in range(5)]), contract)

    assert ["did the annotator mean" in one.message for one in found] == [True, True, True, False, False]


def test_a_number_is_no_unknown_label() -> None:
    annotation = an_annotation(label=3)

    found = places(annotation)

    assert found == [("label-kind", "label")]


@pytest.mark.parametrize(("ties", "found"), [(True, []), (False, [("known-label", "label")])])
def test_a_tie_is_a_label_where_the_contract_allows_ties(ties: bool, found: list[object]) -> None:  # noqa: FBT001
    contract = a_contract("pairwise", label={"ties": ties})

    assert places(an_annotation(label="tie"), contract) == found


def test_a_hostile_label_is_shown_short_and_visible() -> None:
    annotation = an_annotation(label="\u202eevil\x00" + "y" * 100)

    found = findings(annotation)

    assert found[0].message.startswith("'\\u{202e}evil\\u{0}yyy")
    assert "…" in found[0].message
    assert len(found[0].message) < 250


@pytest.mark.parametrize(
    ("label", "options", "message"),
    [
        (["safe", "safe"], {}, "the same value is given twice"),
        (["safe", "adult", "scam"], {}, "3 values are given; this project wants 0 to 2"),
        ([], {"min_count": 1}, "0 values are given; this project wants 1 to 2"),
        (["safe"], {"min_count": 2, "max_count": None}, "1 values are given; this project wants 2 to 3"),
    ],
)
def test_a_multilabel_has_as_many_values_as_the_contract_says_none_twice(
    label: list[str], options: dict[str, Any], message: str
) -> None:
    contract = a_contract("multilabel", label=options)

    found = findings(an_annotation(label=label), contract)

    assert [(one.rule, one.message) for one in found] == [("label-count", message)]


def test_values_are_counted_in_lists_of_texts_only() -> None:
    annotation = an_annotation(label=GOOD["spans"])

    found = places(annotation, a_contract("multilabel"))

    assert found == [("label-kind", "label"), ("known-label", "label[0].label")]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (0, "0 lies outside 1 to 5"),
        (5.5, "5.5 lies outside 1 to 5"),
        (1e300, "1e+300 lies outside 1 to 5"),
        (2**53, "9.0072e+15 lies outside 1 to 5"),
        (2.5, "2.5 is not on the scale's steps of 1"),
    ],
)
def test_a_number_off_the_scale_is_objected_to(label: float, message: str) -> None:
    annotation = an_annotation(label=label)

    found = findings(annotation, a_contract("ordinal"))

    assert [(one.rule, one.message) for one in found] == [("label-range", message)]


def test_a_scale_without_steps_takes_every_number_in_its_range() -> None:
    contract = a_contract("ordinal", label={"low": 0, "high": 1, "step": None})

    found = places(an_annotation(label=0.123456789), contract)

    assert found == []


@pytest.mark.parametrize("label", [0.1, 0.3, 0.7, 1.0])
def test_steps_that_binary_numbers_cannot_hold_are_still_steps(label: float) -> None:
    contract = a_contract("ordinal", label={"low": 0, "high": 1, "step": 0.1})

    found = places(an_annotation(label=label), contract)

    assert found == []


@pytest.mark.parametrize("options", [{"low": -1e308, "high": 1e308}, {"low": 0, "high": 1e308, "step": 5e-324}])
def test_a_scale_beyond_all_measure_objects_rather_than_breaks(options: dict[str, float]) -> None:
    contract = a_contract("ordinal", label=options)

    found = places(an_annotation(label=1e308), contract)

    assert found == [("label-range", "label")]


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ((3, 3), "the span 3-3 is empty"),
        ((5, 2), "the span 5-2 is empty"),
        ((-1, 2), "the span -1-2 lies outside the text, which has 34 characters"),
        ((30, 35), "the span 30-35 lies outside the text, which has 34 characters"),
    ],
)
def test_a_span_outside_the_text_or_empty_is_objected_to(span: tuple[int, int], message: str) -> None:
    annotation = an_annotation(label=[a_span(*span)])

    found = findings(annotation, a_contract("spans"))

    assert [(one.rule, one.path, one.message) for one in found] == [("span-bounds", "label[0]", message)]


def test_a_span_may_reach_to_the_last_character_counted_in_code_points() -> None:
    annotation = an_annotation(label=[a_span(0, 3)], item=an_item(text="a😀b"))

    found = places(annotation, a_contract("spans"))

    assert found == []


def test_without_the_text_only_the_start_of_a_span_can_be_judged() -> None:
    item = an_item(text=None)

    found = findings(an_annotation(label=[a_span(0, 999), a_span(-3, -1)], item=item), a_contract("spans"))

    assert [(one.rule, one.message) for one in found] == [("span-bounds", "the span -3--1 lies outside the text")]


def test_overlapping_spans_are_objected_to() -> None:
    annotation = an_annotation(label=OVERLAPPING[::-1])

    found = findings(annotation, a_contract("spans"))

    assert [(one.rule, one.path, one.message) for one in found] == [
        ("span-overlap", "label[1]", "the spans 0 and 1 overlap")
    ]


def test_spans_that_touch_do_not_overlap() -> None:
    annotation = an_annotation(label=[a_span(0, 4), a_span(4, 8)])

    found = places(annotation, a_contract("spans"))

    assert found == []


def test_spans_may_overlap_where_the_contract_says_so() -> None:
    contract = a_contract("spans", label={"overlap": True}, rules=[{"id": "span-overlap"}])

    found = places(an_annotation(label=OVERLAPPING), contract)

    assert found == []


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((0, 0, 0, 5), "the box is 0 by 5: it has no area"),
        ((0, 0, 5, -1), "the box is 5 by -1: it has no area"),
        ((-1, 0, 5, 5), "the box reaches beyond the image"),
        ((0, -1, 5, 5), "the box reaches beyond the image"),
        ((96, 0, 5, 5), "the box reaches beyond the image"),
        ((0, 46, 5, 5), "the box reaches beyond the image"),
    ],
)
def test_a_box_beyond_the_image_or_without_area_is_objected_to(
    box: tuple[float, float, float, float], message: str
) -> None:
    item = an_item(media={"uri": "s3://images/1.png", "width": 100, "height": 50})

    found = findings(an_annotation(label=[a_box(*box)], item=item), a_contract("boxes"))

    assert [(one.rule, one.path, one.message) for one in found] == [("box-bounds", "label[0]", message)]


@pytest.mark.parametrize("media", [None, {"uri": "s3://images/1.png"}])
def test_a_box_may_be_anywhere_where_the_image_size_is_unknown(media: object) -> None:
    annotation = an_annotation(label=[a_box(9e5, 9e5, 9e5, 9e5)], item=an_item(media=media))

    found = places(annotation, a_contract("boxes"))

    assert found == []


def test_a_check_made_for_another_kind_of_label_is_a_bug() -> None:
    categorical, ordinal = a_contract(), a_contract("ordinal")

    with pytest.raises(TypeError):
        label_checks.label_count(LabelCountRule(), categorical)
    with pytest.raises(TypeError):
        label_checks.label_range(LabelRangeRule(), categorical)
    with pytest.raises(TypeError):
        label_checks.known_label(KnownLabelRule(), ordinal)


def test_a_number_check_leaves_texts_to_the_kind_check() -> None:
    annotation = an_annotation(label="four")

    found = places(annotation, a_contract("ordinal"))

    assert found == [("label-kind", "label")]
