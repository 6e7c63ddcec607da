"""Labels in a form that can be compared for equality, and the number of labels to choose from."""

from hashlib import blake2b
from typing import Final

import orjson

from assay_schemas.annotation import Event, Label
from assay_schemas.contract.label_contract import LabelContract

_LONGEST: Final = 32
_SHOWN: Final = 16
_MOST_STEPS: Final = 20
_UNLISTED: Final = 8
"""Number of labels to choose from where they cannot be listed."""


def name_of(label: Label) -> str:
    """Return the text that represents a label: equal texts mean equal labels.

    Texts represent themselves, everything else is canonical JSON (1.0 becomes 1); long texts are cut and get a hash.
    """
    text = label if isinstance(label, str) else _json(label)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_SHOWN]}#{blake2b(text.encode(), digest_size=9).hexdigest()}"


def class_count(contract: LabelContract) -> int:
    """Return the number of labels that an annotator chooses from, at least 2."""
    kind = contract.label
    if kind.kind == "categorical":
        return max(len(set(kind.values)), 2)
    if kind.kind == "pairwise":
        return 2 + kind.ties
    if kind.kind == "ordinal" and kind.step is not None:
        return min(int((kind.high - kind.low) / kind.step) + 1, _MOST_STEPS + 1)
    return _UNLISTED


def _json(label: Label) -> str:
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    plain = (
        [part.model_dump() if isinstance(part, Event) else part for part in label] if isinstance(label, list) else label
    )
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS).decode()
