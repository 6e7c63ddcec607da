"""Bot timing: times more regular than people's."""

from typing import Final

from assay_models.conduct.look import Look
from assay_models.conduct.population import Pool

CLOSE: Final = 0.05
"""Two times in a row are close if they differ by less than a twentieth."""
SORTS = ("lead", "gap")
_LEAST_USUAL: Final = 0.25
_MOST_USUAL: Final = 0.6
_REGULAR: Final = 0.85


def ratios(look: Look, pool: Pool) -> tuple[float, ...]:
    """Return how many times as likely the steps of the time taken, and of the time between, are for a machine.

    People's times are taken to be close twice as often as the pool's are, and at least in a quarter of cases:
    where times are whole seconds, closeness is common.
    """
    return _ratio(look.lead_step, pool, SORTS[0]), _ratio(look.gap_step, pool, SORTS[1])


def _ratio(step: float | None, pool: Pool, sort: str) -> float:
    if step is None:
        return 1.0
    usual = min(max(2 * pool.regularity(sort), _LEAST_USUAL), _MOST_USUAL)
    return _REGULAR / usual if abs(step) < CLOSE else (1 - _REGULAR) / (1 - usual)
