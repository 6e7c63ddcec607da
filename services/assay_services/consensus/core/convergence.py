"""Judge all items again, in idle moments, until the consensus converges."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from assay_services.engine.core.core_api import Step
from assay_services.engine.core.elapsed import has_passed

_SWEEP = 2_000
_MOST_ROUNDS = 100
"""The largest number of rounds: uninformative labels would never converge."""

_STILL = 0.0002
_REFLECTIONS = 6
_REFLECTION_MS = 2_000
_TICK_MS = 100
_A_WHILE_MS = 301_000
"""Longer than any publication is delayed."""


@dataclass(slots=True)
class Convergence:
    """The work left after the last annotation: rounds over all items, and relearning of the hyper-parameters.

    `relearned_at` is in ms since 1970. `done` counts the items judged in this round, `unrest` is its largest change of
    a probability.
    """

    rounds_left: int = _MOST_ROUNDS
    relearnings_left: int = _REFLECTIONS
    relearned_at: int = 0
    done: int = 0
    unrest: float = 0.0

    @property
    def is_done(self) -> bool:
        """Return whether no work is left."""
        return not self.rounds_left and not self.relearnings_left

    @property
    def sweep(self) -> int:
        """Return how many items to judge again in this idle moment."""
        return _SWEEP if self.rounds_left else 0

    def is_time_to_relearn(self, now: int) -> bool:
        """Return whether to relearn at `now` (ms since 1970); if so, schedule another round."""
        if not self.relearnings_left or not has_passed(self.relearned_at, now, _REFLECTION_MS):
            return False
        self.relearned_at = now
        self.relearnings_left -= 1
        self.restart_round()
        return True

    def restart_round(self) -> None:
        """Schedule at least one more round, because new information arrived."""
        self.rounds_left = max(self.rounds_left, 1)

    def record_sweep(self, unrest: float, *, items: int) -> None:
        """Record a sweep whose largest change of a probability was `unrest`; a round with hardly any is the last."""
        self.unrest = max(self.unrest, unrest)
        self.done += _SWEEP
        if not self.rounds_left or self.done < items:
            return
        self.rounds_left = 0 if self.unrest < _STILL else self.rounds_left - 1
        self.done, self.unrest = 0, 0.0


class Convergent(Protocol):
    """A core that can be run until it converges."""

    @property
    def is_converged(self) -> bool: ...  # noqa: D102

    def idle(self, now: int) -> Step | None: ...  # noqa: D102


def run_until_converged(core: Convergent, now: int) -> Iterator[tuple[int, Step]]:
    """Simulate idle moments from `now` (ms since 1970) until all is done and published; yield each time and step."""
    while not core.is_converged:
        now += _TICK_MS
        step = core.idle(now)
        if step is not None:
            yield now, step
    while (step := core.idle(now + _A_WHILE_MS)) is not None:
        now += _A_WHILE_MS
        yield now, step
