"""One annotation as the detectors see it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Look:
    """One annotation beside what is usual. Times in seconds since 1970.

    `truth` is gold, or else the consensus of the others; None where there is neither, and then nothing is known of
    `agrees`. `pool` is how often the pool agrees with such a truth, `expected` how often this annotator does; both are
    `chance` where there is no truth. `pace` is by how much the logarithm of the time taken lies from the pool's mean,
    in spreads; `lead_step` and `gap_step` by how much the logarithm of the time taken, or of the time since the last
    annotation, has changed; None where unknown. `hours` is the time since the session began. `late`: all
    but the truth had been seen before.
    """

    at: float
    label: str
    truth: str | None
    agrees: bool
    chance: float
    pool: float
    expected: float
    pace: float | None = None
    lead_step: float | None = None
    gap_step: float | None = None
    hours: float = 0.0
    late: bool = False
