"""Compute readings of agreement from merged window cells."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple

from assay_models.agreement.annotator_pairs import AnnotatorPairs, PairsFound
from assay_models.agreement.boxes import box_agreement
from assay_models.agreement.cohen import cohen_kappas, quadratic_kappas
from assay_models.agreement.contingency import one_versus_rest
from assay_models.agreement.estimate import Estimate
from assay_models.agreement.fleiss import fleiss_kappa
from assay_models.agreement.gwet import gwet_ac1, quadratic_ac2
from assay_models.agreement.krippendorff import jaccard_alpha, nominal_alpha, ordinal_alpha
from assay_models.agreement.observed_agreement import percent_agreement
from assay_models.agreement.sliding_windows import SlidingWindows
from assay_models.agreement.spans import unitizing_alpha
from assay_schemas.annotation import AnnotatorId
from assay_schemas.contract.label_contract import Coefficient, LabelContract
from assay_schemas.record_key import pair_key
from assay_services.consensus.core.agreement_cells import ALL, longest_minutes, minutes_of

_LEAST_PAIRED = 5
"""How many common items two annotators need for a reading of their agreement."""

Measure = Callable[[Any], Estimate | None]


class WindowReading(NamedTuple):
    """One reading: its coefficient, scope and window (minutes since 1970, both included), and its estimate."""

    coefficient: str
    window: str
    start: int
    end: int
    scope: dict[str, str]
    estimate: Estimate | None
    items: int
    annotators: int

    def emptied(self, end: int) -> "WindowReading":
        """Return an empty reading of the same scope for the window that ends at minute `end`."""
        return self._replace(start=self.start + end - self.end, end=end, estimate=None, items=0, annotators=0)


class MeasurementCache:
    """The estimates of the tables that were measured last: an unchanged table is not measured again."""

    def __init__(self) -> None:
        """Start empty."""
        self._last: dict[Hashable, tuple[Any, Estimate | None]] = {}
        self._now: dict[Hashable, tuple[Any, Estimate | None]] = {}

    def estimate(self, what: Hashable, table: Any, measure: Measure) -> Estimate | None:  # noqa: ANN401  # of any kind
        """Return the estimate of a table; measure it only if the last table of the name `what` differs."""
        last = self._last.get(what)
        found = last[1] if last is not None and last[0] == table else measure(table)
        self._now[what] = (table, found)
        return found

    def turn(self) -> None:
        """Drop the estimates that were not requested since the last turn."""
        self._last, self._now = self._now, {}


def pool_readings(
    panes: SlidingWindows, contract: LabelContract, end: int, measured: MeasurementCache
) -> Iterator[WindowReading]:
    """Yield the readings of all annotators together: overall, by label, and by attribute."""
    name, measure = measure_of(contract)
    labels = getattr(contract.label, "values", ()) if contract.label.kind in {"categorical", "multilabel"} else ()
    scopes = sorted(scope for scope in panes.scopes() if isinstance(scope, tuple) and scope[0] == "attribute")
    measured.turn()
    for window in contract.agreement.windows:
        length = minutes_of(window)

        def reading(coefficient: str, scope: Hashable, said: dict[str, str], measure: Measure) -> WindowReading:
            table = panes.table(scope, end, length)  # noqa: B023  # used within this turn
            what = (coefficient, window, *said.items())  # noqa: B023
            found = measured.estimate(what, table, measure)
            shown = sum(table.values()) if found is None else found.items
            count = panes.annotators(scope, end, length)  # noqa: B023
            return WindowReading(coefficient, window, end - length + 1, end, said, found, shown, count)  # noqa: B023

        yield reading(name, ALL, {}, measure)
        for label in labels:
            yield reading(Coefficient.KRIPPENDORFF_ALPHA.value, ALL, {"label": label}, _one_versus_rest(label))
        for scope in scopes:
            yield reading(name, scope, {"attribute": scope[1], "value": scope[2]}, measure)


def _one_versus_rest(label: str) -> Measure:
    return lambda table: nominal_alpha(one_versus_rest(table, label))


def find_pairs(pairs: AnnotatorPairs, contract: LabelContract, end: int) -> PairsFound:
    """Return the contingency tables, over the longest window, of all pairs of annotators with enough common items."""
    return pairs.tables(end, _pair_minutes(contract), least=_LEAST_PAIRED)


def pair_readings(found: PairsFound, contract: LabelContract, end: int) -> Iterator[WindowReading]:
    """Yield the agreement of each pair of annotators."""
    numeric = contract.label.kind == "ordinal"
    name, measure = ("cohen-kappa-quadratic", quadratic_kappas) if numeric else ("cohen-kappa", cohen_kappas)
    window, start = max(contract.agreement.windows, key=minutes_of), end - _pair_minutes(contract) + 1
    for pair, items, estimate in zip(found.names, found.items, measure(found.tables), strict=True):
        yield WindowReading(name, window, start, end, {"annotators": pair_key(*pair)}, estimate, items, len(pair))


def _pair_minutes(contract: LabelContract) -> int:
    return max(longest_minutes(contract.agreement), 60)


def measure_of(contract: LabelContract) -> tuple[str, Measure]:
    """Return the full name and the function of the contract's coefficient, in the form that fits its labels."""
    kind, wanted = contract.label.kind, contract.agreement.coefficient
    if kind == "spans":
        return "krippendorff-alpha-unitizing", unitizing_alpha
    if kind == "boxes":
        return "box-f1", _box_f1
    ordered = kind == "ordinal"
    by_name: dict[Coefficient, tuple[str, Measure]] = {
        Coefficient.FLEISS_KAPPA: ("fleiss-kappa", fleiss_kappa),
        Coefficient.GWET_AC: ("gwet-ac2-quadratic", quadratic_ac2) if ordered else ("gwet-ac1", gwet_ac1),
        Coefficient.OBSERVED: ("observed", percent_agreement),
    }
    if wanted in by_name:
        return by_name[wanted]
    alphas: dict[str, tuple[str, Measure]] = {
        "ordinal": ("krippendorff-alpha-ordinal", ordinal_alpha),
        "multilabel": ("krippendorff-alpha-jaccard", jaccard_alpha),
    }
    return alphas.get(kind, ("krippendorff-alpha", nominal_alpha))


def _box_f1(table: Any) -> Estimate | None:  # noqa: ANN401
    found = box_agreement(table)
    return None if found is None else found.f1


_AT_ONCE = 50

_AnnotatorPair = tuple[AnnotatorId, AnnotatorId]


class PairQueue:
    """The pairs of annotators that wait to be measured, and the reading that was last published of each."""

    def __init__(self) -> None:
        """Start without pairs."""
        self._found: tuple[PairsFound, LabelContract, int] | None = None
        self._places: dict[_AnnotatorPair, int] = {}
        self._waiting: deque[_AnnotatorPair] = deque()
        self._told: dict[_AnnotatorPair, WindowReading] = {}

    def renew(self, pairs: AnnotatorPairs, contract: LabelContract, end: int) -> None:
        """Replace the pairs by those of the window that ends at minute `end`; pairs that already waited come first."""
        found = find_pairs(pairs, contract, end)
        self._found = found, contract, end
        self._places = {pair: place for place, pair in enumerate(found.names)}
        first = dict.fromkeys(pair for pair in self._waiting if pair in self._places)
        self._waiting = deque(first | dict.fromkeys(found.names))
        self._told = {pair: told for pair, told in self._told.items() if pair in self._places}

    def some(self) -> list[WindowReading]:
        """Return the changed readings of the next pairs; an empty list if no reading changed."""
        news: list[WindowReading] = []
        while self._found is not None and self._waiting and not news:
            found, contract, end = self._found
            taken = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            some = found.some([self._places[pair] for pair in taken])
            for pair, reading in zip(taken, pair_readings(some, contract, end), strict=True):
                if self._told.get(pair) != reading:
                    self._told[pair] = reading
                    news.append(reading)
        return news
