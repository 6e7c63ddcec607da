from assay_services.engine.core.core_api import Entry
from assay_services.engine.core.ledger import Ledger, load_ledger
from assay_services.engine.core.state import PartitionState, stored_form

MINUTE = 60_000


def test_what_was_put_is_found_and_what_was_dropped_is_not() -> None:
    state = PartitionState()

    state.apply({b"a": Entry(5, b"x"), b"b": Entry(5, b"y")})
    state.apply({b"b": None, b"never": None})

    assert state.get(b"a") == b"x"
    assert state.get(b"b") is None
    assert len(state) == 1


def test_a_key_is_due_from_its_time_on() -> None:
    state = PartitionState()
    state.apply({b"a": Entry(MINUTE + 500, b"x")})

    assert state.due(MINUTE + 499, limit=10) == []
    assert state.due(MINUTE + 500, limit=10) == [b"a"]


def test_a_key_that_was_put_off_is_due_at_its_later_time_only() -> None:
    state = PartitionState()
    state.apply({b"a": Entry(MINUTE, b"x")})
    state.apply({b"a": Entry(5 * MINUTE, b"x")})

    assert state.due(2 * MINUTE, limit=10) == []
    assert state.due(5 * MINUTE, limit=10) == [b"a"]


def test_a_key_that_was_dropped_is_never_due() -> None:
    state = PartitionState()
    state.apply({b"a": Entry(MINUTE, b"x")})
    state.apply({b"a": None})

    assert state.due(9 * MINUTE, limit=10) == []


def test_a_key_put_off_and_back_is_due_once() -> None:
    state = PartitionState()
    for wake_at in (MINUTE, 3 * MINUTE, MINUTE):
        state.apply({b"a": Entry(wake_at, b"x")})

    assert state.due(3 * MINUTE, limit=10) == [b"a"]


def test_no_more_keys_are_due_than_asked_for_and_the_earliest_come_first() -> None:
    state = PartitionState()
    state.apply({b"%d" % n: Entry(n * MINUTE, b"") for n in range(9, 0, -1)})

    assert state.due(9 * MINUTE, limit=2) == [b"1", b"2"]


def test_a_state_read_back_from_its_stored_form_is_the_same() -> None:
    state, again = PartitionState(), PartitionState()
    state.apply({b"a": Entry(7 * MINUTE, b"x")})

    again.load(b"a", stored_form(Entry(7 * MINUTE, b"x")))

    assert again.items() == state.items()
    assert again.due(7 * MINUTE, limit=1) == [b"a"]


def test_a_ledger_adds_up_and_reads_back() -> None:
    ledger = Ledger(3, {"validated": 3}).after(5, {"validated": 1, "dead": 1})

    assert ledger == Ledger(5, {"validated": 4, "dead": 1})
    assert ledger.total == 5
    assert load_ledger(ledger.dump()) == ledger
