import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.consistency.classes import class_name, class_names, number_of
from assay_schemas.annotation import Label, Span
from assay_schemas.contract.label_kinds import (
    BoxesLabel,
    CategoricalLabel,
    LabelKind,
    MultilabelLabel,
    OrdinalLabel,
    PairwiseLabel,
    SpansLabel,
)


@pytest.mark.parametrize(
    ("label", "name"), [("scam", "scam"), (3, "3"), (3.0, "3"), (0.5, "0.5"), (-0.0, "0"), ("", "")]
)
def test_a_text_or_a_number_is_a_class(label: Label, name: str) -> None:
    assert class_name(label) == name


@pytest.mark.parametrize("label", [None, [], ["a", "b"], [Span(start=0, end=1, label="x")]])
def test_a_list_or_nothing_is_no_class(label: Label | None) -> None:
    assert class_name(label) is None


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_from_its_name(number: float) -> None:
    assert number_of(class_name(number) or "") == number


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (CategoricalLabel(values=["b", "a"]), ("b", "a")),
        (PairwiseLabel(kind="pairwise"), ("left", "right", "tie")),
        (PairwiseLabel(kind="pairwise", ties=False), ("left", "right")),
        (OrdinalLabel(kind="ordinal", low=1, high=5), ("1", "2", "3", "4", "5")),
        (OrdinalLabel(kind="ordinal", low=0, high=0.5, step=0.1), ("0", "0.1", "0.2", "0.3", "0.4", "0.5")),
        (OrdinalLabel(kind="ordinal", low=-1, high=1.5), ("-1", "0", "1")),
    ],
)
def test_the_contract_says_which_classes_there_are(kind: LabelKind, names: tuple[str, ...]) -> None:
    assert class_names(kind) == names


@pytest.mark.parametrize(
    "kind",
    [
        OrdinalLabel(kind="ordinal", low=0, high=1, step=None),
        OrdinalLabel(kind="ordinal", low=0, high=1e9),
        MultilabelLabel(kind="multilabel", values=["a"]),
        SpansLabel(kind="spans", values=["a"]),
        BoxesLabel(kind="boxes", values=["a"]),
    ],
)
def test_labels_without_a_list_of_values_are_no_classes(kind: LabelKind) -> None:
    assert class_names(kind) is None
