"""Joint omissions: how often an annotator omitted a label on items where everybody else omitted it, too."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log

_STEP = 1.5


class OmissionCounts:
    """Per annotator (by number): the number of items voted on, and on how many of them each label was a question.

    The difference is the number of joint omissions. Mutable; the order of calls does not matter.
    """

    def __init__(self) -> None:
        """Start from zero."""
        self._ballots: Counter[int] = Counter()
        self._asked: dict[str, Counter[int]] = {}

    def count(self, voters: Iterable[int], labels: Iterable[str], *, sign: int = 1) -> None:
        """Add (subtract, with sign -1) an item's voters and the labels that were questions on it."""
        voters = list(voters)
        for voter in voters:
            self._ballots[voter] += sign
        for label in labels:
            asked = self._asked.setdefault(label, Counter())
            for voter in voters:
                asked[voter] += sign

    def load(self, voter: int, ballots: int, asked: Mapping[str, int], *, sign: int = 1) -> None:
        """Add (subtract, with sign -1) an annotator's sums over many items."""
        self._ballots[voter] += sign * ballots
        for label, count in asked.items():
            self._asked.setdefault(label, Counter())[voter] += sign * count

    def asked(self, label: str) -> Sequence[int]:
        """Return the annotators who voted on items where the label was a question."""
        return list(self._asked.get(label, ()))

    def ballots(self, voter: int) -> int:
        """Return the number of items that an annotator voted on."""
        return self._ballots[voter]

    def of(self, voter: int, label: str) -> int:
        """Return the number of an annotator's joint omissions of a label, rounded to a power of 1.5.

        The rounding (within about a quarter) limits updates, because each change must reach the label's question; only
        the order of magnitude matters.
        """
        omitted = self._ballots[voter] - self._asked[label][voter]
        return 0 if omitted <= 0 else round(_STEP ** round(log(omitted, _STEP)))
