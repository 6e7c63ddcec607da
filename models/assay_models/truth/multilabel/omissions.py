"""Who left out which label where nobody gave it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log

_STEP = 1.5


class OmissionCounts:
    """Per annotator (by number): on how many items they voted, and on how many of those a label was in question.

    The difference is how often they left the label out together with everybody else. It changes in place; the same
    votes in any order make the same numbers.
    """

    def __init__(self) -> None:
        """Know of no votes."""
        self._ballots: Counter[int] = Counter()
        self._asked: dict[str, Counter[int]] = {}

    def count(self, voters: Iterable[int], labels: Iterable[str], *, sign: int = 1) -> None:
        """Add (or take away, with sign -1) an item's voters, and the labels in question there."""
        voters = list(voters)
        for voter in voters:
            self._ballots[voter] += sign
        for label in labels:
            asked = self._asked.setdefault(label, Counter())
            for voter in voters:
                asked[voter] += sign

    def load(self, voter: int, ballots: int, asked: Mapping[str, int], *, sign: int = 1) -> None:
        """Add (or take away) sums of many items."""
        self._ballots[voter] += sign * ballots
        for label, count in asked.items():
            self._asked.setdefault(label, Counter())[voter] += sign * count

    def asked(self, label: str) -> Sequence[int]:
        """Return those who voted where the label was in question."""
        return list(self._asked.get(label, ()))

    def ballots(self, voter: int) -> int:
        """Return on how many items somebody voted."""
        return self._ballots[voter]

    def of(self, voter: int, label: str) -> int:
        """Return how often somebody left out a label together with everybody else, to within a quarter.

        So rough because it has to be told anew with every change, and it is a lot or it is not.
        """
        silent = self._ballots[voter] - self._asked[label][voter]
        return 0 if silent <= 0 else round(_STEP ** round(log(silent, _STEP)))
