import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.learned.classes import class_name, number_of
from schemas.annotation import Label, Span


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
