"""Where an item stands among the panes of agreement: by scope, the minute and what its annotators say."""

from collections.abc import Hashable, Mapping
from functools import cache
from itertools import combinations

from models.agreement.boxes import box_counts_of
from models.agreement.pane import Place, Said
from models.agreement.spans import stretches_of
from models.agreement.table import pattern_of, value_of
from schemas.annotation import Box, Label, Span
from schemas.contract import AgreementOptions, LabelContract
from services.consensus.items import OpenItem

ALL = ("all",)
PAIRS = ("pairs",)
_HOUR = 60
_ITEM_SHOWN = ((1, 1),)
"""What stands for an item in the panes of pairs, which count nothing else."""

Places = Mapping[Hashable, Place]


def places_of(item: OpenItem, contract: LabelContract) -> Places:
    """Return the item's place in every scope that it belongs to; none where fewer than one annotation is live.

    Pairs of annotators are counted by the hour: there are many, and nobody reads them by the minute.
    """
    if not item.votes or item.closed:
        return {}
    annotators = tuple(sorted(item.votes))
    said, minute = _said(item, contract), item.minute
    place = Place(minute, said, annotators)
    places: dict[Hashable, Place] = {ALL: place}
    for name in contract.agreement.attributes:
        if name in item.attributes:
            places["attribute", name, item.attributes[name]] = place
    if contract.label.kind not in {"spans", "boxes"}:
        values = [(who, value_of(item.votes[who].label)) for who in annotators]
        pairs = tuple((a, b, one, other) for (a, one), (b, other) in combinations(values, 2))
        places[PAIRS] = Place(minute // _HOUR * _HOUR, _ITEM_SHOWN, (), pairs)
    return places


def longest_minutes(options: AgreementOptions) -> int:
    """Return the length of the longest window."""
    return max(map(minutes_of, options.windows))


@cache
def minutes_of(window: str) -> int:
    """Return the length of a window such as `15m`, `24h` or `7d`."""
    return int(window[:-1]) * {"m": 1, "h": 60, "d": 1_440}[window[-1]]


def _said(item: OpenItem, contract: LabelContract) -> Said:
    labels = [vote.label for vote in item.votes.values()]
    if contract.label.kind == "spans":
        return stretches_of([_spans(label) for label in labels], length=item.length)
    if contract.label.kind == "boxes":
        return box_counts_of([_boxes(label) for label in labels])
    return pattern_of(labels)


def _spans(label: Label) -> list[Span]:
    return [Span.model_validate(part) for part in label] if isinstance(label, list) else []


def _boxes(label: Label) -> list[Box]:
    return [Box.model_validate(part) for part in label] if isinstance(label, list) else []
