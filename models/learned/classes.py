"""Class names: the text form of a label that can be a class."""

from typing import TypeAlias

from schemas.annotation import Label

ClassLabel: TypeAlias = str | int | float


def class_name(label: Label | None) -> str | None:
    """Return the text form of a label, or None where it cannot be a class (lists, spans, boxes, nothing).

    Text stands for itself. A number is written in the shortest way that reads back as the same
    number: 3 and 3.0 are "3", 0.5 is "0.5", -0.0 is "0". Within one kind the form is one-to-one; a contract
    has labels of one kind only.
    """
    if isinstance(label, str):
        return label
    if isinstance(label, float):
        return str(int(label)) if label.is_integer() else repr(label)
    return str(label) if isinstance(label, int) else None


def number_of(name: str) -> int | float:
    """Return the number that a class name stands for: whole if it can be.

    Raises ValueError for a name that `class_name` did not make from a number.
    """
    try:
        return int(name)
    except ValueError:
        return float(name)
