"""What any truth model, whatever the kind of label, is asked and answers."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from assay_schemas.annotation import Label
from assay_schemas.contract.label_contract import LabelContract

POOL = ""
"""In an annotator's place: what is known of all of them together."""


class GivenLabel(NamedTuple):
    """One annotator's word on an item. `copied`: it is the pre-label, unchanged."""

    label: Label
    copied: bool = False


class ItemFacts(NamedTuple):
    """All that is known of an item: ballots by annotator, the label that is known to be right, the model's view.

    `view` is the consistency model's probability of each label that it was asked about.
    """

    ballots: Mapping[str, GivenLabel]
    known: Label | None = None
    view: Mapping[str, float] | None = None


class ItemJudgement(NamedTuple):
    """What a truth model says of an item.

    `probabilities` has the labels that can be listed, down to 0.001. `gain` is the expected gain in the
    probability of being right from one more annotation. `doubt` returns, for a label that was given, the probability
    that it is wrong. Spans and boxes are plain JSON data, as the schema writes them. `stored` is what `put` wants back
    when the item comes from storage: plain JSON data.
    """

    label: Any
    probability: float | None
    probabilities: Mapping[str, float]
    gain: float
    doubt: Callable[[Label], float]
    stored: Any


class Accuracy(NamedTuple):
    """How often an annotator is right: expected value, 95 % interval, annotations it rests on, confusion."""

    value: float
    low: float
    high: float
    votes: int
    confusion: Mapping[str, Mapping[str, float]]


class TruthModel(Protocol):
    """The truth model of one project in one partition. It changes in place; the same calls give the same answers.

    Items are hashable; what is stored or told to other partitions is plain JSON data, each model's own.
    """

    def adopt(self, contract: LabelContract) -> None:
        """Take a newer contract: new labels, other options."""
        ...

    def put(self, item: Hashable, facts: ItemFacts, *, stored: Any = None) -> None:  # noqa: ANN401
        """Say what is known of an item; with `stored` it counts as judged, as it was then."""
        ...

    def remove(self, item: Hashable) -> None:
        """Forget an item and all it taught: its annotations were withdrawn."""
        ...

    def close(self, item: Hashable) -> None:
        """Forget an item, and keep what it taught."""
        ...

    def reopen(self, item: Hashable, facts: ItemFacts, *, stored: Any) -> None:  # noqa: ANN401
        """Take up a closed item again, as it was: what it taught is its own again."""
        ...

    def settle(self, *, sweep: int = 0) -> Mapping[Any, ItemJudgement]:
        """Judge the items put since the last call, but for those that came from storage.

        With `sweep` so many others are judged again, too, as `sweep` does it, and returned where they moved.
        """
        ...

    def sweep(self, count: int) -> Mapping[Any, ItemJudgement]:
        """Judge again the `count` items that were judged longest ago; return those whose judgement moved."""
        ...

    def without(self, items: Sequence[Hashable]) -> Mapping[Any, Mapping[str, tuple[Label, float]]]:
        """Return for each judged item, by annotator, the likeliest label without their vote, and how probable it is.

        Nothing for kinds of label of which the others' plurality says as much.
        """
        ...

    @property
    def unrest(self) -> float:
        """By how much (0-1) the last sweep changed a belief, at most."""
        ...

    def relearn(self) -> None:
        """Learn anew, from the open items as they are, whatever is learned in due time only; for a quiet moment."""
        ...

    def learned(self, annotator: str) -> Any:  # noqa: ANN401
        """Return what this partition has learned of an annotator (or of the POOL), for the other partitions."""
        ...

    def set_remote_counts(self, annotator: str, others: Sequence[Any]) -> None:
        """Take over what each of the other partitions has learned of an annotator (or of the POOL)."""
        ...

    def dump_closed(self, annotator: str) -> Any:  # noqa: ANN401
        """Return what closed items taught of an annotator (or what is to be stored of the POOL)."""
        ...

    def load_closed(self, annotator: str, stored: Any) -> None:  # noqa: ANN401
        """Restore what `kept` gave."""
        ...

    def fade(self, share: float) -> None:
        """Forget this share (0-1) of what closed items taught of all annotators."""
        ...

    def accuracy(self, annotator: str) -> Accuracy | None:
        """Return how reliable an annotator is, by all partitions; None for one nobody knows."""
        ...
