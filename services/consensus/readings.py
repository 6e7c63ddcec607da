"""From merged panes to readings of agreement."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, NamedTuple

from models.agreement.boxes import box_agreement
from models.agreement.cohen import PairTable, cohen_kappa, quadratic_kappa
from models.agreement.fleiss import fleiss_kappa
from models.agreement.gwet import gwet_ac1, quadratic_ac2
from models.agreement.interval import Estimate
from models.agreement.krippendorff import jaccard_alpha, nominal_alpha, ordinal_alpha
from models.agreement.observed import percent_agreement
from models.agreement.panes import Panes
from models.agreement.spans import unitizing_alpha
from models.agreement.table import one_versus_rest
from schemas.contract import Coefficient, LabelContract
from services.consensus.placing import ALL, PAIRS, longest_minutes, minutes_of

_LEAST_PAIRED = 5
"""Common items that two annotators need before their agreement is worth a reading."""

Measure = Callable[[Any], Estimate | None]


class Reading(NamedTuple):
    """One reading: of what, over which window (minutes since 1970, the end included), and what it says."""

    coefficient: str
    window: str
    start: int
    end: int
    scope: dict[str, str]
    estimate: Estimate | None
    items: int
    annotators: int


def pool_readings(panes: Panes, contract: LabelContract, end: int) -> Iterator[Reading]:
    """Yield the readings of all annotators together: of everything, by label, and by attribute."""
    name, measure = measure_of(contract)
    labels = getattr(contract.label, "values", ()) if contract.label.kind in {"categorical", "multilabel"} else ()
    scopes = sorted(scope for scope in panes.scopes() if isinstance(scope, tuple) and scope[0] == "attribute")
    for window in contract.agreement.windows:
        length = minutes_of(window)

        def reading(scope: Hashable, said: dict[str, str], table: Any, measure: Measure, coefficient: str) -> Reading:  # noqa: ANN401
            found = measure(table)
            shown = sum(table.values()) if found is None else found.items
            count = panes.annotators(scope, end, length)  # noqa: B023  # used within this turn
            return Reading(coefficient, window, end - length + 1, end, said, found, shown, count)  # noqa: B023

        whole = panes.table(ALL, end, length)
        yield reading(ALL, {}, whole, measure, name)
        for label in labels:
            table = one_versus_rest(whole, label)
            yield reading(ALL, {"label": label}, table, nominal_alpha, Coefficient.KRIPPENDORFF_ALPHA.value)
        for scope in scopes:
            said = {"attribute": scope[1], "value": scope[2]}
            yield reading(scope, said, panes.table(scope, end, length), measure, name)


def pair_tables(panes: Panes, contract: LabelContract, end: int) -> Mapping[tuple[str, str], PairTable]:
    """Return what each two annotators with enough common items said of them, over the longest window."""
    tables = panes.pairs(PAIRS, end, _pair_minutes(contract))
    return {pair: tables[pair] for pair in sorted(tables) if sum(tables[pair].values()) >= _LEAST_PAIRED}


def pair_reading(contract: LabelContract, end: int, pair: tuple[str, str], table: PairTable) -> Reading:
    """Return how well two annotators agree."""
    numeric = contract.label.kind == "ordinal"
    name, measure = ("cohen-kappa-quadratic", quadratic_kappa) if numeric else ("cohen-kappa", cohen_kappa)
    window = max(contract.agreement.windows, key=minutes_of)
    start, items = end - _pair_minutes(contract) + 1, sum(table.values())
    return Reading(name, window, start, end, {"annotators": "|".join(pair)}, measure(table), items, len(pair))


def _pair_minutes(contract: LabelContract) -> int:
    return max(longest_minutes(contract.agreement), 60)


def measure_of(contract: LabelContract) -> tuple[str, Measure]:
    """Return the coefficient that the contract asks for, in the form that fits its labels, and its full name."""
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
