"""The detectors that watch one annotator at a time, and the table that lists them.

Each detector turns one annotation into likelihood ratios: how many times as likely it is if something is wrong, for
each way in which it may be wrong (an alternative), than under the usual conduct. `e_detector` adds them up.
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
"""Accuracy drop: how much is left of the skill. With four labels, of an accuracy of .9 about .6 and .75."""

_LEAST_SKILL: Final = 0.68
"""Guessing, in parts of the pool's skill: whoever has more does not guess. Of a pool that is right at .87 of four
labels this is .67."""
_LEAST_LIKELY: Final = 0.02
_PATTERN_KEPT: Final = 0.9
"""How often somebody with a pattern keeps to it."""
PATTERNS: Final = 4
"""Patterns: the same label again, or every second, third or fourth one."""

_FAST_BELOW: Final = -1.645
"""In standard deviations from the pool's mean: a twentieth of all times are as fast as that."""
_MOST_USUAL_FAST: Final = 0.4
_TOO_MANY_FAST: Final = 0.9
"""A fast annotator has at most two fifths of such times; who clicks through has nine tenths."""

_SHIFT_LABELS: Final = 8
"""The labels looked at: the first that the annotator has used."""
_SHIFT_TIMES: Final = 3.0
_SHIFT_MORE: Final = 0.1
_SHIFT_MOST: Final = 0.6
_SHIFT_LEAST: Final = 0.001
CLOSE: Final = 0.05
"""Two times in a row are close if they differ by less than a twentieth."""
TIMINGS = ("lead", "gap")
_LEAST_CLOSE: Final = 0.25
_MOST_CLOSE: Final = 0.6
_REGULAR: Final = 0.85
_TIRED_AFTER_HOURS = (1.0, 2.0, 4.0)
_EARLY: Final = 1.06
_LATE: Final = 0.75
EARLY_HOURS: Final = 1.0
"""Whoever errs early in the session, too, is not tired: later annotations are compared with the first hour's."""


@dataclass(slots=True)
class Features:
    """One annotation as the detectors see it, beside what is usual. Times in seconds since 1970.

    `truth` is gold, or else the consensus of the others; None where there is neither, and then nothing is known of
    `agrees`. `pool` is how often the pool agrees with such a truth, `expected` how often this annotator does; both are
    `chance` where there is no truth. `pace` is by how much the logarithm of the time taken lies from the pool's mean,
    in standard deviations; `lead_step` and `gap_step` by how much the logarithm of the time taken, or of the time since
    the last annotation, has changed; None where unknown. `hours` is the time since the session began. `late`: all
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


def accuracy_drop(look: Features, habits: Baseline, pool: Population) -> Bet | None:  # noqa: ARG001  # all detectors are called alike
    """Return the bet on each drop of accuracy (right less often than before); None without a truth.

    Without a drop the annotation agrees as probably as predicted from *all* annotations before: averaged over what one
    may think of a newcomer, that is a fair bet, however little is known. What a drop leaves is computed from the skill
    before the last 50 annotations.
    """
    if look.truth is None:
        return None
    before, usual = habits.before.ratio, look.expected
    after = [min(chance_of_agreeing(before * left, look.pool, look.chance), usual) for left in _LEFT]
    return Bet([one / usual for one in after], [(1 - one) / (1 - usual) for one in after], usual)


def guessing(look: Features, habits: Baseline, pool: Population) -> Bet | None:  # noqa: ARG001  # all detectors are called alike
    """Return the bet on guessing (labels that do not depend on the items); None without a truth.

    A guesser agrees as often as the annotator's own mix of labels would. The other side is whoever has the least skill;
    for the more skilled, the bet is worse than fair.
    """
    if look.truth is None:
        return None
    able = chance_of_agreeing(_LEAST_SKILL, look.pool, look.chance)
    guess = min(max(habits.label_share(look.truth, look.chance), _LEAST_LIKELY), able)
    return Bet([guess / able], [(1 - guess) / (1 - able)], able)


def pattern(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # all detectors are called alike
    """Return the ratio for each pattern: the next label is known from the last ones, whatever the item.

    The other side says the consensus's label as often as this annotator does, else any other: so a queue in which
    the same label is right a hundred times in a row is no pattern of the annotator's.
    """
    if look.truth is None or look.late or len(habits.newest) < PATTERNS:
        return (1.0,) * PATTERNS
    others = 1 / look.chance - 1
    usual = look.expected if look.agrees else (1 - look.expected) * _error_share(look, habits, others)
    rest = (1 - _PATTERN_KEPT) * usual
    return tuple((_PATTERN_KEPT + rest if last == look.label else rest) / usual for last in habits.newest)


def _error_share(look: Features, habits: Baseline, others: float) -> float:
    return min(habits.share_of_errors(look.label, look.chance), others / (others + 1)) if others > 1 else 1.0


def too_fast(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # all detectors are called alike
    """Return the ratio for somebody who clicks through: faster than nearly all others on items of that length."""
    if look.pace is None:
        return (1.0,)
    if look.pace < _FAST_BELOW:
        return (_TOO_MANY_FAST / _MOST_USUAL_FAST,)
    return ((1 - _TOO_MANY_FAST) / (1 - _MOST_USUAL_FAST),)


def label_shift(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # all detectors are called alike
    """Return the ratio for each label of being given far more often in error than before."""
    if look.truth is None:
        return (1.0,) * _SHIFT_LABELS
    found = [_shift_ratio(look, habits, label) for label in islice(habits.label_counts, _SHIFT_LABELS)]
    return (*found, *(1.0,) * (_SHIFT_LABELS - len(found)))


def _shift_ratio(look: Features, habits: Baseline, label: str) -> float:
    if look.truth == label:
        return 1.0
    usual = max((1 - look.expected) * min(habits.share_of_errors(label, look.chance), 1.0), _SHIFT_LEAST)
    over = max(min(max(_SHIFT_TIMES * usual, usual + _SHIFT_MORE), _SHIFT_MOST), usual)
    return over / usual if look.label == label else (1 - over) / (1 - usual)


def bot_timing(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # all detectors are called alike
    """Return the ratios for times more regular than people's: of the time taken, and of the time between annotations.

    People's times are taken to be close twice as often as the pool's are, and at least in a quarter of cases:
    where times are whole seconds, closeness is common.
    """
    return _timing_ratio(look.lead_step, pool, TIMINGS[0]), _timing_ratio(look.gap_step, pool, TIMINGS[1])


def _timing_ratio(step: float | None, pool: Population, sort: str) -> float:
    if step is None:
        return 1.0
    usual = min(max(2 * pool.regularity(sort), _LEAST_CLOSE), _MOST_CLOSE)
    return _REGULAR / usual if abs(step) < CLOSE else (1 - _REGULAR) / (1 - usual)


def fatigue(look: Features, habits: Baseline, pool: Population) -> tuple[float, ...]:  # noqa: ARG001  # all detectors are called alike
    """Return the ratio for tiring (right less often late in a session than early) after one, two and four hours."""
    if look.truth is None or look.late:
        return (1.0,) * len(_TIRED_AFTER_HOURS)
    skill = habits.skill.ratio
    early = _fatigue_ratio(look, skill * _EARLY, look.expected)
    rested = min(skill, habits.early.ratio)
    late = _fatigue_ratio(look, rested * _LATE, chance_of_agreeing(rested, look.pool, look.chance))
    return tuple(late if look.hours >= hours else early for hours in _TIRED_AFTER_HOURS)


def _fatigue_ratio(look: Features, skill: float, usual: float) -> float:
    found = chance_of_agreeing(skill, look.pool, look.chance)
    return found / usual if look.agrees else (1 - found) / (1 - usual)


class DetectorRow(NamedTuple):
    """One row of the table: the prior weight of each alternative (they add up to 1), and what judges an annotation."""

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
"""The detectors of one annotator. Their order is that of the stored state: a new one goes to the end."""
