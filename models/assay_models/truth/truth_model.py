"""The interface that the truth models of all kinds of label share, and the values it exchanges."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from assay_schemas.annotation import AnnotatorId, Label
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.json_data import Json

POOL = AnnotatorId("")
"""Stands in place of an annotator's name and means all annotators together."""


class GivenLabel(NamedTuple):
    """The label one annotator gave an item. `copied`: the annotator accepted the pre-label unchanged."""

    label: Label
    copied: bool = False


class ItemFacts(NamedTuple):
    """The observations on one item: labels by annotator, the gold label and the consistency model's probabilities.

    `known` is the gold label, None if the item has none. `view` maps each label that the consistency model scored to
    its probability (0-1); None without a model.
    """

    ballots: Mapping[AnnotatorId, GivenLabel]
    known: Label | None = None
    view: Mapping[str, float] | None = None


class ItemJudgement(NamedTuple):
    """A truth model's result for one item.

    `label` is the most probable label, `probability` (0-1) the probability that it is right. `probabilities` lists the
    labels with a probability of at least 0.001, for kinds of label that can be listed. `gain` is the expected increase
    of the probability of being right from one more annotation. `doubt` maps a given label to the probability that it
    is wrong. `stored` is plain JSON data: store it and pass it to `put` to restore the item. Spans and boxes are plain
    JSON data in the form of the schema.
    """

    label: Any
    probability: float | None
    probabilities: Mapping[str, float]
    gain: float
    doubt: Callable[[Label], float]
    stored: Any


class Accuracy(NamedTuple):
    """An annotator's accuracy, 0-1: expected value and 95 % credible interval.

    `votes` is the number of annotations it is estimated from. `confusion[true][given]` holds the expected counts.
    """

    value: float
    low: float
    high: float
    votes: int
    confusion: Mapping[str, Mapping[str, float]]


class TruthModel(Protocol):
    """The truth model of one project in one partition. Mutable; the same calls always give the same results.

    Items are any hashable keys. Stored values and values for other partitions are plain JSON data in each model's own
    format.
    """

    def adopt(self, contract: LabelContract) -> None:
        """Apply a newer version of the contract: new labels, other options."""
        ...

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Json = None) -> None:
        """Set the observations on an item; with `stored` restore its saved judgement instead of queueing it."""
        ...

    def remove(self, item: Hashable) -> None:
        """Remove an item together with its contribution to the annotators' counts: its annotations were withdrawn."""
        ...

    def close(self, item: Hashable) -> None:
        """Remove an item, but keep its contribution to the annotators' counts."""
        ...

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Json) -> None:
        """Restore a closed item as it was stored; its contribution belongs to the open item again."""
        ...

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call, except those restored from storage, and return the judgements.

        With `sweep`, judge up to that many other items again as `sweep` does, and return those whose judgement moved.
        """
        ...

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge again the `count` items that were judged longest ago; return those whose judgement moved."""
        ...

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[AnnotatorId, tuple[Label, float]]]:
        """Return each judged item's leave-one-out predictions, by annotator.

        A prediction is the likeliest label without this annotator's vote, with its probability (0-1). Empty for kinds
        of label where the other annotators' plurality is as good a prediction.
        """
        ...

    @property
    def unrest(self) -> float:
        """The largest change (0-1) of any item's posterior in the last sweep."""
        ...

    def relearn(self) -> None:
        """Estimate the hyper-parameters now, from the open items. Slow: call it when the partition is idle."""
        ...

    def learned(self, annotator: AnnotatorId) -> Json:
        """Return this partition's counts of an annotator (or the evidence of the POOL), for the other partitions."""
        ...

    def set_remote_counts(self, annotator: AnnotatorId, others: Sequence[Any]) -> None:
        """Set an annotator's counts (or the POOL's evidence) from the other partitions, one entry per partition."""
        ...

    def dump_closed(self, annotator: AnnotatorId) -> Json:
        """Return an annotator's counts from closed items (for the POOL, the model's own state), to be stored."""
        ...

    def load_closed(self, annotator: AnnotatorId, stored: Json) -> None:
        """Restore what `dump_closed` returned."""
        ...

    def fade(self, share: float) -> None:
        """Discount the counts of closed items: multiply those of all annotators by 1 - `share` (0-1)."""
        ...

    def accuracy(self, annotator: AnnotatorId) -> Accuracy | None:
        """Return an annotator's accuracy over all partitions; None for an unknown annotator."""
        ...
