"""The life of an alert: what it says, and that it never says the same twice."""

from hypothesis import given
from hypothesis import strategies as st

from assay_models.alerting.state_machine import (
    FLAPS,
    AlertLifecycle,
    Transition,
    acknowledge,
    advance_state,
    is_flapping,
    is_forgettable,
)
from assay_schemas.alert import AlertState

MINUTE = 60_000
_SIGNS = st.text(alphabet="x.", max_size=200)


def lived(said: str, *, lasting: int = 0, keep: int = 0) -> tuple[AlertLifecycle, list[Transition]]:
    """Live one minute for each sign, the first at minute 1: the condition holds (`x`) or does not (`.`)."""
    life, changes = AlertLifecycle(), list[Transition]()
    for minute, sign in enumerate(said, 1):
        life, more = advance_state(life, holds=sign == "x", at=minute * MINUTE, lasting=lasting, keep=keep)
        changes += more
    return life, changes


def states(changes: list[Transition]) -> list[tuple[str, int]]:
    return [(one.state.value, one.at // MINUTE) for one in changes]


def test_without_for_an_alert_fires_at_once_and_resolves_at_once() -> None:
    _, changes = lived(".xx.")

    assert states(changes) == [("firing", 2), ("resolved", 4)]


def test_an_alert_does_not_resolve_for_want_of_data() -> None:
    fired, changes = lived("x")

    without_data, more = advance_state(fired, holds=None, at=9 * MINUTE, lasting=0, keep=0)
    resolved, last = advance_state(without_data, holds=False, at=10 * MINUTE, lasting=0, keep=0)

    assert states(changes) == [("firing", 1)]
    assert (without_data, list(more)) == (fired, [])
    assert states(list(last)) == [("resolved", 10)]
    assert resolved.state is None


def test_what_is_pending_ends_without_data() -> None:
    pending, _ = lived("x", lasting=5)

    _, changes = advance_state(pending, holds=None, at=9 * MINUTE, lasting=5, keep=0)

    assert states(list(changes)) == [("resolved", 9)]


def test_with_for_it_is_pending_until_the_condition_has_held_so_long() -> None:
    _, changes = lived("xxxx", lasting=2)

    assert states(changes) == [("pending", 1), ("firing", 3)]
    assert changes[-1].since == MINUTE


def test_a_condition_that_ceases_before_its_time_never_fires() -> None:
    life, changes = lived("xx.x", lasting=2)

    assert states(changes) == [("pending", 1), ("resolved", 3), ("pending", 4)]
    assert changes[1].was is AlertState.PENDING
    assert not life.is_notified


def test_it_keeps_firing_for_a_while_and_through_short_pauses() -> None:
    _, changes = lived("x.x....", keep=3)

    assert states(changes) == [("firing", 1), ("resolved", 7)]


def test_one_that_comes_and_goes_all_the_time_stays_until_it_has_been_quiet_for_an_hour() -> None:
    signs = "x." * FLAPS + "." * 70

    life, changes = lived(signs)

    assert [state for state, _ in states(changes)].count("firing") == FLAPS
    assert states(changes)[-1] == ("resolved", 2 * FLAPS + 60)
    assert is_flapping(life, 70 * MINUTE)
    assert not is_forgettable(life, 70 * MINUTE)
    assert is_forgettable(life, 600 * MINUTE)


def test_only_what_fires_can_be_acknowledged_and_only_once() -> None:
    fired, _ = lived("x")
    waiting, _ = lived("x", lasting=5)

    taken, changes = acknowledge(fired, at=2 * MINUTE)

    assert [(one.was, one.state) for one in changes] == [(AlertState.FIRING, AlertState.ACKNOWLEDGED)]
    assert acknowledge(taken, at=3 * MINUTE) == (taken, ())
    assert acknowledge(waiting, at=MINUTE) == (waiting, ())
    assert advance_state(taken, holds=False, at=4 * MINUTE, lasting=0, keep=0)[1][0].was is AlertState.ACKNOWLEDGED


@given(_SIGNS, st.integers(0, 5), st.integers(0, 5))
def test_each_transition_starts_where_the_one_before_ended_and_time_never_goes_back(
    signs: str, lasting: int, keep: int
) -> None:
    _, changes = lived(signs, lasting=lasting, keep=keep)

    before = None
    for one, following in zip(changes, changes[1:] + changes[-1:], strict=True):
        assert one.was is before
        assert one.state is not one.was
        assert one.since <= one.at
        before = None if one.state is AlertState.RESOLVED else one.state
        assert following.at >= one.at


@given(_SIGNS, st.integers(0, 4))
def test_it_fires_only_if_the_condition_has_held_for_long_enough(signs: str, lasting: int) -> None:
    _, changes = lived(signs, lasting=lasting)

    for one in changes:
        if one.state is AlertState.FIRING:
            minute = one.at // MINUTE
            assert all(signs[minute - 1 - back] == "x" for back in range(lasting + 1))
