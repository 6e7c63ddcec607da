"""What can be decided, for every kind of label."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_schemas.annotation import Box, Span
from assay_schemas.contract.label_contract import LabelContract
from assay_services.console.reviews.label_options import KEYS, Choice, choices_of, is_many, number_typed, typed

SPANS = '[{"start":0,"end":3,"label":"claim"}]'
BOXES = '[{"x":1.5,"y":2.0,"width":30.0,"height":40.0,"label":"car"}]'
KINDS: list[dict[str, Any]] = [
    {"kind": "categorical", "values": ["safe", "scam"]},
    {"kind": "multilabel", "values": ["violence", "spam"]},
    {"kind": "ordinal", "low": 1, "high": 5},
    {"kind": "ordinal", "low": 0, "high": 1, "step": None},
    {"kind": "pairwise"},
    {"kind": "spans", "values": ["claim"]},
    {"kind": "boxes", "values": ["car"]},
]


def contract(**label: Any) -> LabelContract:  # noqa: ANN401  # any kind
    return LabelContract.model_validate({"project": "ads", "version": 1, "label": label})


def test_each_value_of_the_contract_has_a_key() -> None:
    found = choices_of(contract(kind="categorical", values=["safe", "scam"]), ["scam"])

    assert found == [Choice("1", "safe", "safe"), Choice("2", "scam", "scam")]


def test_values_beyond_the_keys_are_choices_without_one() -> None:
    found = choices_of(contract(kind="categorical", values=[f"v{n}" for n in range(40)]), [])

    assert [one.key for one in found] == [*KEYS, *[""] * (40 - len(KEYS))]
    assert set("nsu").isdisjoint(KEYS)


def test_several_labels_are_chosen_one_by_one() -> None:
    many = contract(kind="multilabel", values=["violence", "spam"])

    assert is_many(many)
    assert [one.label for one in choices_of(many, ['["spam"]'])] == ["violence", "spam"]
    assert not is_many(contract(kind="pairwise"))


def test_a_scale_of_few_steps_is_numbers_by_key() -> None:
    found = choices_of(contract(kind="ordinal", low=1, high=3, step=0.5), [])

    assert [(one.key, one.label) for one in found] == [("1", 1), ("2", 1.5), ("3", 2), ("4", 2.5), ("5", 3)]


@pytest.mark.parametrize("step", [None, 0.001])
def test_where_any_number_is_possible_the_numbers_given_are_the_choices(step: float | None) -> None:
    found = choices_of(contract(kind="ordinal", low=0, high=1, step=step), ["0.25", "1", "0.25"])

    assert found == [Choice("1", 0.25, "0.25"), Choice("2", 1, "1")]


def test_of_a_pair_a_side_is_better_or_none_where_ties_are_allowed() -> None:
    assert [one.label for one in choices_of(contract(kind="pairwise"), [])] == ["left", "right", "tie"]
    assert [one.label for one in choices_of(contract(kind="pairwise", ties=False), [])] == ["left", "right"]


def test_stretches_and_boxes_are_chosen_among_the_answers() -> None:
    spans = choices_of(contract(kind="spans", values=["claim"]), [SPANS, "[]", SPANS])
    boxes = choices_of(contract(kind="boxes", values=["car"]), [BOXES])

    assert [(one.key, one.label) for one in spans] == [("1", [Span(start=0, end=3, label="claim")]), ("2", [])]
    assert [one.label for one in boxes] == [[Box(x=1.5, y=2.0, width=30.0, height=40.0, label="car")]]


def test_answers_from_before_the_contract_changed_its_kind_are_no_choices() -> None:
    found = choices_of(contract(kind="spans", values=["claim"]), ["safe", "4", BOXES, '["claim"]', SPANS])

    assert [one.shown for one in found] == [SPANS]


@given(st.text(), st.sampled_from(KINDS))
def test_no_text_from_the_archive_is_too_much(text: str, kind: dict[str, Any]) -> None:
    chosen = contract(**kind)

    typed(chosen, text)
    assert all(len(one.key) <= 1 for one in choices_of(chosen, [text, text]))


def test_a_number_is_typed_within_the_scale() -> None:
    scale = contract(kind="ordinal", low=0, high=10, step=None)

    assert (number_typed(scale, " 7 "), number_typed(scale, "0.5")) == (7, 0.5)
    for wrong in ("", "eleven", "11", "-1", "nan", "inf"):
        with pytest.raises(ValueError, match="is not a number from 0 to 10"):
            number_typed(scale, wrong)
