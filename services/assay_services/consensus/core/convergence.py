"""How the consensus comes to rest when nothing is heard any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from assay_services.engine.core.core_api import Step

_SWEEP = 2_000
_MOST_ROUNDS = 100
"""How often all items are judged again at most: labels that say nothing would move for ever."""

_STILL = 0.0002
_REFLECTIONS = 6
_REFLECTION_MS = 2_000
_TICK_MS = 100
_A_WHILE_MS = 301_000
"""Longer than anything waits to be told."""


@dataclass(slots=True)
class Convergence:
    """What is still to be done after the last annotation: rounds over all items, and times to learn anew."""

    rounds_left: int = _MOST_ROUNDS
    relearnings_left: int = _REFLECTIONS
    relearned_at: int = 0
    done: int = 0
    unrest: float = 0.0

    @property
    def is_done(self) -> bool:
        """Tell whether nothing is left to be done."""
        return not self.rounds_left and not self.relearnings_left

    @property
    def sweep(self) -> int:
        """Return how many items to judge again in this quiet moment."""
        return _SWEEP if self.rounds_left else 0

    def is_time_to_relearn(self, now: int) -> bool:
        """Tell whether to learn anew (at `now`, in ms); what is learned then makes for another few rounds."""
        if not self.relearnings_left or now - self.relearned_at < _REFLECTION_MS:
            return False
        self.relearned_at = now
        self.relearnings_left -= 1
        self.restart_round()
        return True

    def restart_round(self) -> None:
        """Begin a round anew: something is known that was not."""
        self.rounds_left = max(self.rounds_left, 1)

    def record_sweep(self, unrest: float, *, items: int) -> None:
        """Note a sweep that changed a belief by so much at most; a round in which nothing stirs is the last."""
        self.unrest = max(self.unrest, unrest)
        self.done += _SWEEP
        if not self.rounds_left or self.done < items:
            return
        self.rounds_left = 0 if self.unrest < _STILL else self.rounds_left - 1
        self.done, self.unrest = 0, 0.0


class Convergent(Protocol):
    """What can be brought to rest."""

    @property
    def is_converged(self) -> bool: ...  # noqa: D102

    def idle(self, now: int) -> Step | None: ...  # noqa: D102


def run_until_converged(core: Convergent, now: int) -> Iterator[tuple[int, Step]]:
    """Let quiet moments pass from `now` (ms) on until all is done and told; yield what each brings, and when."""
    while not core.is_converged:
        now += _TICK_MS
        step = core.idle(now)
        if step is not None:
            yield now, step
    while (step := core.idle(now + _A_WHILE_MS)) is not None:
        now += _A_WHILE_MS
        yield now, step
