"""The lifecycle of one alert: pending, firing, acknowledged, resolved; with detection of flapping."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from assay_schemas.alert import AlertState

FLAPS = 4
"""An alert flaps if it fired this many times within `FLAP_MINUTES`."""
FLAP_MINUTES = 360
FLAP_RESET_MINUTES = 60
"""How long the condition of a flapping alert must not hold before the alert resolves."""

_MINUTE_MS = 60_000
_NOTIFIED = {AlertState.FIRING, AlertState.ACKNOWLEDGED}


@dataclass(frozen=True, slots=True)
class AlertLifecycle:
    """The state of one alert. Times in ms of event time.

    `state`: None while the condition does not hold. `since`: when the condition began to hold. `is_suppressed`: when
    the condition of a firing alert ceased to hold, None while it holds. `firings`: the last times at which it began to
    fire.
    """

    state: AlertState | None = None
    since: int = 0
    quiet_since_ms: int | None = None
    firings: tuple[int, ...] = ()

    @property
    def is_notified(self) -> bool:
        """Whether people have been notified and the alert is not resolved."""
        return self.state in _NOTIFIED


class Transition(NamedTuple):
    """One transition: previous and new state, its time (ms), and when the condition began to hold (ms)."""

    was: AlertState | None
    state: AlertState
    at: int
    since: int


def is_flapping(life: AlertLifecycle, at: int) -> bool:
    """Return whether the alert fired at least `FLAPS` times within the last `FLAP_MINUTES`."""
    return sum(at - fired <= FLAP_MINUTES * _MINUTE_MS for fired in life.firings) >= FLAPS


def is_forgettable(life: AlertLifecycle, at: int) -> bool:
    """Return whether this state equals a new one: nothing is active, and no firing counts towards flapping."""
    return life.state is None and all(at - fired > FLAP_MINUTES * _MINUTE_MS for fired in life.firings)


def advance_state(
    life: AlertLifecycle, *, holds: bool | None, at: int, lasting: int, keep: int
) -> tuple[AlertLifecycle, Sequence[Transition]]:
    """Return the next state of an alert and its transitions, for a condition that holds or not at time `at` (ms).

    `holds` None: there is nothing to judge by. People who were notified are not told that all is well then: the alert
    stays as it is. One that is pending ends: its condition is not known to have held for so long.
    `lasting`: minutes that the condition must hold before the alert fires. `keep`: minutes that it must not hold
    before the alert resolves.
    """
    if life.is_notified:
        return _advance_notified(life, holds=holds, at=at, keep=keep)
    if not holds:
        if life.state is None:
            return life, ()
        resolved = replace(life, state=None, quiet_since_ms=None)
        return resolved, [Transition(AlertState.PENDING, AlertState.RESOLVED, at, life.since)]
    since = at if life.state is None else life.since
    if at - since >= lasting * _MINUTE_MS:
        firings = (*life.firings, at)[-FLAPS:]
        return AlertLifecycle(AlertState.FIRING, since, None, firings), [
            Transition(life.state, AlertState.FIRING, at, since)
        ]
    if life.state is None:
        return replace(life, state=AlertState.PENDING, since=at), [Transition(None, AlertState.PENDING, at, at)]
    return life, ()


def acknowledge(life: AlertLifecycle, *, at: int) -> tuple[AlertLifecycle, Sequence[Transition]]:
    """Return the state after a person acknowledges the alert; unchanged unless it is firing."""
    if life.state is not AlertState.FIRING:
        return life, ()
    acknowledged = replace(life, state=AlertState.ACKNOWLEDGED)
    return acknowledged, [Transition(AlertState.FIRING, AlertState.ACKNOWLEDGED, at, life.since)]


def _advance_notified(
    life: AlertLifecycle, *, holds: bool | None, at: int, keep: int
) -> tuple[AlertLifecycle, Sequence[Transition]]:
    if holds is None:
        return life, ()
    if holds:
        return (life if life.quiet_since_ms is None else replace(life, quiet_since_ms=None)), ()
    quiet = at if life.quiet_since_ms is None else life.quiet_since_ms
    wanted = max(keep, FLAP_RESET_MINUTES) if is_flapping(life, at) else keep
    if at - quiet < wanted * _MINUTE_MS:
        return replace(life, quiet_since_ms=quiet), ()
    resolved = replace(life, state=None, quiet_since_ms=None)
    return resolved, [Transition(life.state, AlertState.RESOLVED, at, life.since)]
