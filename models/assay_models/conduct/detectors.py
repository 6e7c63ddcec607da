"""The detectors of a single annotator, and the table that lists them.

Each detector returns the likelihood ratios of one annotation: its probability under each alternative (a way in which
conduct may have changed) divided by its probability under the annotator's usual conduct. `e_detector` accumulates
them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple

from assay_models.conduct.baseline import Baseline, chance_of_agreeing
from assay_models.conduct.e_detector import Bet
from assay_models.conduct.population import Population
from assay_schemas.conduct import Detector

_LEFT = (0.54, 0.78)
"""Accuracy drop: the remaining share of the skill. With four labels, an accuracy of 0.9 falls to about 0.6 or 0.75."""

_LEAST_SKILL: Final = 0.68
"""Guessing: annotators above this skill do not guess.

In units of the pool's skill (see `Skill`); for a pool with accuracy 0.87 on four labels it is an accuracy of 0.67.
"""
_LEAST_LIKELY: Final = 0.02
_PATTERN_KEPT: Final = 0.9
"""The probability that an annotator with a pattern follows it."""
PATTERNS: Final = 4
"""Number of patterns: repeating the last label, or the one two, three or four annotations ago."""

_FAST_BELOW: Final = -1.645
"""In standard deviations from the pool's mean: 5 % of all times are below."""
_MOST_USUAL_FAST: Final = 0.4
_TOO_MANY_FAST: Final = 0.9
"""Shares of fast times: at most 0.4 for a fast annotator, 0.9 for one who clicks through."""

_SHIFT_LABELS: Final = 8
"""Number of labels monitored: the first ones that the annotator has used."""
_SHIFT_TIMES: Final = 3.0
_SHIFT_MORE: Final = 0.1
_SHIFT_MOST: Final = 0.6
_SHIFT_LEAST: Final = 0.001
CLOSE: Final = 0.05
"""Two successive times are close if their logarithms differ by less than this."""
TIMINGS = ("lead", "gap")
_LEAST_CLOSE: Final = 0.25
_MOST_CLOSE: Final = 0.6
_REGULAR: Final = 0.85
_TIRED_AFTER_HOURS = (1.0, 2.0, 4.0)
_EARLY: Final = 1.06
_LATE: Final = 0.75
EARLY_HOURS: Final = 1.0
"""The first hour of a session is the reference for fatigue: annotators who also err early are not tired."""


@dataclass(slots=True)
class Features:
    """The features of one annotation that detectors use, and the expected values. Times in s since 1970.

    `truth` is gold, or else the consensus of the others; None without either, and then `agrees` has no meaning. `pool`
    is the pool's rate of agreement with such a truth, `expected` this annotator's; both equal `chance` without a
    truth. `pace`: ln(time taken) as a standard score against the pool. `lead_step` and `gap_step`: the change of
    ln(time taken) and of ln(time since the previous annotation) from one annotation to the next. These are None if
    unknown. `hours`: time since the session began. `late`: only the truth is new, the annotation itself has been
    evaluated before.
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


def accuracy_drop(look: Features, habits: Baseline, pool: Population) -> Bet | None:  # noqa: ARG001  # one signature for all detectors
    """Return the bet on each drop of accuracy (right less often than before); None without a truth.

    Without a drop, the probability of agreement is predicted from *all* previous annotations: averaged over the prior
    of a newcomer's skill, that is a fair bet, however few they are. The accuracy after a drop is computed from the
    skill before the last 50 annotations.
    """
    if look.truth is None:
        return None
    before, usual = habits.before.ratio, look.expected
    after = [min(chance_of_agreeing(before * left, look.pool, look.chance), usual) for left in _LEFT]
    return Bet([one / usual for one in after], [(1 - one) / (1 - usual) for one in after], usual)


def guessing(look: Features, habits: Baseline, pool: Population) -> Bet | None:  # noqa: ARG001  # one signature for all detectors
    """Return the bet on guessing (labels that do not depend on the items); None without a truth.

    A guesser agrees as often as the annotator's own label distribution would by chance. The null hypothesis is an
    annotator with the lowest skill; for more skilled ones the bet is worse than fair.
    """
    if look.truth is None:
        return None
    able = chance_of_agreeing(_LEAST_SKILL, look.pool, look.chance)
    guess = min(max(habits.label_share(look.truth, look.chance), _LEAST_LIKELY), able)
    return Bet([guess / able], [(1 - guess) / (1 - able)], able)


def pattern(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # one signature for all detectors
    """Return the ratio for each pattern: the next label follows from the last ones, whatever the item.

    Under the null hypothesis the label equals the consensus as often as it usually does for this annotator. A queue
    with the same correct label a hundred times in a row is therefore no evidence for a pattern.
    """
    if look.truth is None or look.late or len(habits.newest) < PATTERNS:
        return (1.0,) * PATTERNS
    others = 1 / look.chance - 1
    usual = look.expected if look.agrees else (1 - look.expected) * _error_share(look, habits, others)
    rest = (1 - _PATTERN_KEPT) * usual
    return tuple((_PATTERN_KEPT + rest if last == look.label else rest) / usual for last in habits.newest)


def _error_share(look: Features, habits: Baseline, others: float) -> float:
    return min(habits.share_of_errors(look.label, look.chance), others / (others + 1)) if others > 1 else 1.0


def too_fast(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # one signature for all detectors
    """Return the ratio for clicking through: faster than nearly all others on items of this length."""
    if look.pace is None:
        return (1.0,)
    if look.pace < _FAST_BELOW:
        return (_TOO_MANY_FAST / _MOST_USUAL_FAST,)
    return ((1 - _TOO_MANY_FAST) / (1 - _MOST_USUAL_FAST),)


def label_shift(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # one signature for all detectors
    """Return, for each monitored label, the ratio for giving it in error far more often than before."""
    if look.truth is None:
        return (1.0,) * _SHIFT_LABELS
    ratios = [_shift_ratio(look, habits, label) for label in islice(habits.label_counts, _SHIFT_LABELS)]
    return (*ratios, *(1.0,) * (_SHIFT_LABELS - len(ratios)))


def _shift_ratio(look: Features, habits: Baseline, label: str) -> float:
    if look.truth == label:
        return 1.0
    usual = max((1 - look.expected) * min(habits.share_of_errors(label, look.chance), 1.0), _SHIFT_LEAST)
    over = max(min(max(_SHIFT_TIMES * usual, usual + _SHIFT_MORE), _SHIFT_MOST), usual)
    return over / usual if look.label == label else (1 - over) / (1 - usual)


def bot_timing(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # one signature for all detectors
    """Return the ratios for times too regular for a person: the time taken, and the time between annotations.

    Under the null hypothesis, successive times are close twice as often as the pool's, and in at least a quarter of
    cases: where times are whole seconds, close times are common.
    """
    return _timing_ratio(look.lead_step, pool, TIMINGS[0]), _timing_ratio(look.gap_step, pool, TIMINGS[1])


def _timing_ratio(step: float | None, pool: Population, sort: str) -> float:
    if step is None:
        return 1.0
    usual = min(max(2 * pool.regularity(sort), _LEAST_CLOSE), _MOST_CLOSE)
    return _REGULAR / usual if abs(step) < CLOSE else (1 - _REGULAR) / (1 - usual)


def fatigue(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # one signature for all detectors
    """Return the ratios for fatigue (right less often late in a session than early) after one, two and four hours."""
    if look.truth is None or look.late:
        return (1.0,) * len(_TIRED_AFTER_HOURS)
    skill = habits.skill.ratio
    early = _fatigue_ratio(look, skill * _EARLY, look.expected)
    rested = min(skill, habits.early.ratio)
    late = _fatigue_ratio(look, rested * _LATE, chance_of_agreeing(rested, look.pool, look.chance))
    return tuple(late if look.hours >= hours else early for hours in _TIRED_AFTER_HOURS)


def _fatigue_ratio(look: Features, skill: float, usual: float) -> float:
    tired = chance_of_agreeing(skill, look.pool, look.chance)
    return tired / usual if look.agrees else (1 - tired) / (1 - usual)


class DetectorRow(NamedTuple):
    """A detector: the prior weights of its alternatives (they add up to 1) and its ratio function.

    The function returns None or ratios of 1 where the annotation carries no information.
    """

    weights: Sequence[float]
    ratios: Callable[[Features, Baseline, Population], Bet | tuple[float, ...] | None]


DETECTORS = MappingProxyType(
    {
        Detector.ACCURACY_DROP: DetectorRow((0.5, 0.5), accuracy_drop),
        Detector.GUESSING: DetectorRow((1.0,), guessing),
        Detector.PATTERN: DetectorRow((1 / PATTERNS,) * PATTERNS, pattern),
        Detector.TOO_FAST: DetectorRow((1.0,), too_fast),
        Detector.LABEL_SHIFT: DetectorRow((1 / _SHIFT_LABELS,) * _SHIFT_LABELS, label_shift),
        Detector.BOT_TIMING: DetectorRow((1 / len(TIMINGS),) * len(TIMINGS), bot_timing),
        Detector.FATIGUE: DetectorRow((1 / len(_TIRED_AFTER_HOURS),) * len(_TIRED_AFTER_HOURS), fatigue),
    }
)
"""The detectors of one annotator, in the order of the stored state: append new ones at the end."""
