"""The life of one alert: pending, firing, acknowledged, resolved; and what it does when it comes and goes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from assay_schemas.alert import AlertState

FLAPS = 4
"""So many firings within `FLAP_MINUTES` are too many."""
FLAP_MINUTES = 360
FLAP_RESET_MINUTES = 60
"""How long a flapping alert must be quiet before it resolves."""

_MINUTE_MS = 60_000
_NOTIFIED = {AlertState.FIRING, AlertState.ACKNOWLEDGED}


@dataclass(frozen=True, slots=True)
class AlertLifecycle:
    """Where an alert stands. Times are in ms of event time.

    `state` None: nothing is the matter. `since` is when the condition began to hold, `quiet` when it ceased to (None:
    it holds). `firings` are the last times at which it began to fire.
    """

    state: AlertState | None = None
    since: int = 0
    is_suppressed: int | None = None
    firings: tuple[int, ...] = ()

    @property
    def is_notified(self) -> bool:
        """Tell whether people have been told, and it is not over."""
        return self.state in _NOTIFIED


class Transition(NamedTuple):
    """One transition: from which state to which, at which time (ms), and since when the condition holds."""

    was: AlertState | None
    state: AlertState
    at: int
    since: int


def is_flapping(life: AlertLifecycle, at: int) -> bool:
    """Tell whether the alert has come and gone too often lately."""
    return sum(at - fired <= FLAP_MINUTES * _MINUTE_MS for fired in life.firings) >= FLAPS


def is_forgettable(life: AlertLifecycle, at: int) -> bool:
    """Tell whether nothing of this life matters any more."""
    return life.state is None and all(at - fired > FLAP_MINUTES * _MINUTE_MS for fired in life.firings)


def advance_state(
    life: AlertLifecycle, *, holds: bool, at: int, lasting: int, keep: int
) -> tuple[AlertLifecycle, Sequence[Transition]]:
    """Return what becomes of an alert whose condition holds, or does not, at a time.

    `lasting`: how many minutes the condition must hold. `keep`: how many it must have ceased to.
    """
    if life.is_notified:
        return _go_on(life, holds=holds, at=at, keep=keep)
    if not holds:
        if life.state is None:
            return life, ()
        gone = replace(life, state=None, is_suppressed=None)
        return gone, [Transition(AlertState.PENDING, AlertState.RESOLVED, at, life.since)]
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
    """Return what becomes of an alert that somebody says they look at; only one that fires can be acknowledged."""
    if life.state is not AlertState.FIRING:
        return life, ()
    taken = replace(life, state=AlertState.ACKNOWLEDGED)
    return taken, [Transition(AlertState.FIRING, AlertState.ACKNOWLEDGED, at, life.since)]


def _go_on(life: AlertLifecycle, *, holds: bool, at: int, keep: int) -> tuple[AlertLifecycle, Sequence[Transition]]:
    if holds:
        return (life if life.is_suppressed is None else replace(life, is_suppressed=None)), ()
    quiet = at if life.is_suppressed is None else life.is_suppressed
    wanted = max(keep, FLAP_RESET_MINUTES) if is_flapping(life, at) else keep
    if at - quiet < wanted * _MINUTE_MS:
        return replace(life, is_suppressed=quiet), ()
    over = replace(life, state=None, is_suppressed=None)
    return over, [Transition(life.state, AlertState.RESOLVED, at, life.since)]
