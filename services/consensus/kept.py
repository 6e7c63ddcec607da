"""What closed items taught of an annotator, as it lies in the state."""

import orjson

from models.truth.judging import Truth
from services.runtime.step import Entry

KEPT = b"k:"
_NEVER = 2**62


def kept_key(project: str, annotator: str) -> bytes:
    """Return the state key of what is kept of an annotator."""
    return KEPT + orjson.dumps([project, annotator])


def kept_entry(project: str, annotator: str, truth: Truth) -> tuple[bytes, Entry]:
    """Return the state key and entry of what is kept of an annotator."""
    return kept_key(project, annotator), Entry(_NEVER, orjson.dumps([project, annotator, truth.kept(annotator)]))


def load_kept(value: bytes, truth: Truth) -> None:
    """Hand what is kept back to the truth model."""
    _, annotator, counts = orjson.loads(value)
    truth.keep(annotator, counts)
