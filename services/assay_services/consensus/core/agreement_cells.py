"""Where an item counts in the agreement windows: its scopes, its minute, and its pattern of labels."""

from collections.abc import Hashable
from functools import cache, lru_cache
from typing import NamedTuple

from assay_models.agreement.annotator_pairs import ItemVotes
from assay_models.agreement.boxes import box_counts_of
from assay_models.agreement.contingency import Pattern, Value, pattern_of, value_of
from assay_models.agreement.spans import stretches_of
from assay_models.agreement.window_cell import CellKey, Content
from assay_schemas.annotation import Box, Label, Span
from assay_schemas.contract.label_contract import AgreementOptions, LabelContract
from assay_services.consensus.core.item_state import ConsensusItem

ALL = ("all",)
PAIRS = ("pairs",)
_HOUR = 60
_PAIR = 2
_MOST_PATTERNS = 10_000


class Places(NamedTuple):
    """An item's cell, its scopes, and its votes by hour for the pairs of annotators.

    Pairs are counted by hour and not by minute because they are many and their agreement changes slowly.
    """

    place: CellKey | None
    scopes: tuple[Hashable, ...]
    votes: ItemVotes | None


NOWHERE = Places(None, (), None)
_EVERYWHERE = (ALL,)


def places_of(item: ConsensusItem, contract: LabelContract) -> Places:
    """Return where the item counts; NOWHERE if it is closed or has no live annotation."""
    if not item.votes or item.closed:
        return NOWHERE
    annotators, minute = tuple(sorted(item.votes)), item.newest_minute
    scopes: tuple[Hashable, ...] = _EVERYWHERE
    for name in contract.agreement.attributes:
        if name in item.attributes:
            scopes += (("attribute", name, item.attributes[name]),)
    if contract.label.kind in {"spans", "boxes"}:
        return Places(CellKey(minute, _parts(item, contract), annotators), scopes, None)
    values = tuple([value_of(item.votes[who].label) for who in annotators])
    votes = ItemVotes(minute // _HOUR * _HOUR, annotators, values) if len(values) >= _PAIR else None
    return Places(CellKey(minute, _pattern(values), annotators), scopes, votes)


@lru_cache(_MOST_PATTERNS)
def _pattern(values: tuple[Value, ...]) -> Pattern:
    return pattern_of(values)


def longest_minutes(options: AgreementOptions) -> int:
    """Return the length of the longest window in minutes."""
    return max(map(minutes_of, options.windows))


@cache
def minutes_of(window: str) -> int:
    """Return the length in minutes of a window such as `15m`, `24h` or `7d`."""
    return int(window[:-1]) * {"m": 1, "h": 60, "d": 1_440}[window[-1]]


def _parts(item: ConsensusItem, contract: LabelContract) -> Content:
    labels = [vote.label for vote in item.votes.values()]
    if contract.label.kind == "spans":
        return stretches_of([_spans(label) for label in labels], length=item.text_length)
    return box_counts_of([_boxes(label) for label in labels])


def _spans(label: Label) -> list[Span]:
    return [Span.model_validate(part) for part in label] if isinstance(label, list) else []


def _boxes(label: Label) -> list[Box]:
    return [Box.model_validate(part) for part in label] if isinstance(label, list) else []
