"""Class names: the text form of labels that can be classes."""

from typing import Final

from assay_schemas.annotation import Label
from assay_schemas.contract.label_kinds import CategoricalLabel, LabelKind, OrdinalLabel, PairwiseLabel

MAX_CLASSES: Final = 10_000
_DECIMALS: Final = 12


def class_name(label: Label | None) -> str | None:
    """Return the text form of a label, or None if it cannot be a class (lists, spans, boxes, None).

    Text is unchanged. A number has the shortest form that parses to the same number: 3 and 3.0 are "3", 0.5 is "0.5",
    -0.0 is "0". Within one kind of label the form is one-to-one; a contract has labels of one kind only.
    """
    if isinstance(label, str):
        return label
    if isinstance(label, float):
        return str(int(label)) if label.is_integer() else repr(label)
    return str(label) if isinstance(label, int) else None


def number_of(name: str) -> int | float:
    """Return the number that a class name denotes, as an int if possible.

    Raises ValueError for a name that `class_name` did not make from a number.
    """
    try:
        return int(name)
    except ValueError:
        return float(name)


def class_names(kind: LabelKind) -> tuple[str, ...] | None:
    """Return the names of all labels that a contract allows, in its order, or None if its labels are not classes.

    None for multi-labels, spans and boxes, for ordinal labels without steps, and for more than 10,000 steps.
    """
    match kind:
        case CategoricalLabel():
            return tuple(dict.fromkeys(kind.values))
        case PairwiseLabel():
            return ("left", "right", "tie") if kind.ties else ("left", "right")
        case OrdinalLabel(step=float() | int() as step) if (kind.high - kind.low) / step < MAX_CLASSES:
            steps = range(int((kind.high - kind.low) / step + 10**-_DECIMALS) + 1)
            return tuple(str(class_name(round(kind.low + n * step, _DECIMALS))) for n in steps)
        case _:
            return None
