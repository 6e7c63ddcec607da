"""What is to be told of pairs of annotators: there may be thousands, so they are read a few at a time."""

from collections import deque

from assay_models.agreement.annotator_pairs import Pairs, PairsFound
from assay_schemas.contract.label_contract import LabelContract
from assay_services.consensus.core.agreement_readings import Reading, pair_readings, pairs_found

_AT_ONCE = 50

_Pair = tuple[str, str]


class PairQueue:
    """The pairs that have not been read since they were found last, and what was told of each."""

    def __init__(self) -> None:
        """Start without pairs."""
        self._found: tuple[PairsFound, LabelContract, int] | None = None
        self._places: dict[_Pair, int] = {}
        self._waiting: deque[_Pair] = deque()
        self._told: dict[_Pair, Reading] = {}

    def renew(self, pairs: Pairs, contract: LabelContract, end: int) -> None:
        """Find the pairs anew; those that have waited come first."""
        found = pairs_found(pairs, contract, end)
        self._found = found, contract, end
        self._places = {pair: place for place, pair in enumerate(found.names)}
        first = dict.fromkeys(pair for pair in self._waiting if pair in self._places)
        self._waiting = deque(first | dict.fromkeys(found.names))
        self._told = {pair: told for pair, told in self._told.items() if pair in self._places}

    def some(self) -> list[Reading]:
        """Return the readings of the next few pairs of which there is anything new; none if there is not."""
        news: list[Reading] = []
        while self._found is not None and self._waiting and not news:
            found, contract, end = self._found
            taken = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            some = found.some([self._places[pair] for pair in taken])
            for pair, reading in zip(taken, pair_readings(some, contract, end), strict=True):
                if self._told.get(pair) != reading:
                    self._told[pair] = reading
                    news.append(reading)
        return news
