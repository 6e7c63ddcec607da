"""Dead letters are shown as they are, page by page, and each is sent again once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from assay_services.archive.store import Store
from assay_services.console.pages.dead_letters import hex_dump, resend_summary
from assay_services.console.system.dead_letter_resend import ResendNotes, ResendOutcome, check_resendable
from assay_services.stores.archive.queries.dead_letters import (
    DeadLetter,
    DeadLetterAddress,
    read_dead,
    read_reasons,
    read_whole,
)
from assay_services.stores.archive.queries.projects import read_contracted
from tests.services.console.system.dead_letters import CONTRACT, HOSTILE, a_letter, bury, put_in_force
from tests.support.builders import annotation_input

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GOOD = orjson.dumps(annotation_input())


def letter(value: bytes | None, *, offset: int = 0) -> DeadLetter:
    size = len(value or b"")
    return DeadLetter(
        DeadLetterAddress(1, 0, offset), "c", "", "k", "not-json", "value", "no annotation", size, value, NOW
    )


def test_the_newest_come_first_and_a_page_goes_on_where_the_one_before_ended(engine: Engine, store: Store) -> None:
    bury(store, *(a_letter(offset, b"x", seconds=offset // 2) for offset in range(5)))

    first = read_dead(engine, limit=2)
    second = read_dead(engine, limit=2, after=first.following)
    third = read_dead(engine, limit=2, after=second.following)

    assert [one.place.offset for part in (first, second, third) for one in part.rows] == [4, 2, 3, 0, 1]
    assert third.following is None


def test_letters_of_one_reason_are_found_and_counted(engine: Engine, store: Store) -> None:
    bury(store, a_letter(0, b"x"), a_letter(1, GOOD, reason="unknown-project"), a_letter(2, b"y"))

    found = read_dead(engine, reason="unknown-project")

    assert [one.value for one in found.rows] == [GOOD]
    assert [(one.name, one.count) for one in read_reasons(engine)] == [("not-json", 2), ("unknown-project", 1)]


def test_a_list_has_the_beginning_of_the_bytes_and_sending_has_all_of_them(engine: Engine, store: Store) -> None:
    raw = bytes(range(256)) * 40
    bury(store, a_letter(0, raw), a_letter(1, None))

    shown, without = read_dead(engine, most_bytes=100).rows
    (whole,) = read_whole(engine, [shown.place, DeadLetterAddress(9, 9, 9)])

    assert (shown.value, shown.size) == (raw[:100], len(raw))
    assert (without.value, without.size) == (None, 0)
    assert whole.value == raw


@pytest.mark.parametrize(
    ("values", "known"), [([CONTRACT], {"ads-safety"}), ([CONTRACT, None], set()), ([None], set())]
)
def test_only_a_contract_in_force_lets_a_letter_live(
    values: list[bytes | None], known: set[str], engine: Engine, store: Store
) -> None:
    put_in_force(store, *values)

    assert read_contracted(engine) == known


def test_what_would_die_again_is_refused_with_the_reason() -> None:
    unknown = orjson.dumps(annotation_input(project="nobody-knows"))
    letters = [letter(one, offset=number) for number, one in enumerate((GOOD, HOSTILE, unknown, None))]

    found = check_resendable(letters, projects={"ads-safety"})

    assert [(one.letter.value, one.key) for one in found.readable] == [(GOOD, b"ads-safety:i-204")]
    assert [address[-1] for address in found.refused] == [1, 2, 3]
    assert "no contract" in found.refused["c", "", 0, 2]


@given(st.lists(st.binary() | st.none(), max_size=30))
def test_any_bytes_can_be_sorted_out_and_shown(values: list[bytes | None]) -> None:
    letters = [letter(one, offset=number) for number, one in enumerate(values)]

    found = check_resendable(letters, projects=())

    assert len(found.refused) == len(values)
    assert "<script" not in resend_summary(ResendOutcome(0, found.refused))
    for one in values:
        dump = hex_dump(one or b"")
        assert len(dump.splitlines()) == -(-len(one or b"") // 16)
        assert dump.isascii()


def test_of_two_who_send_a_letter_at_once_one_does(control: Engine) -> None:
    notes, one = ResendNotes(control), letter(GOOD)

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda who: notes.reserve(one, f"lead {who}", now=NOW), range(8)))

    assert sum(taken) == 1
    assert not notes.reserve(one, "late", now=NOW + timedelta(minutes=1))


def test_what_was_sent_is_never_taken_again_and_what_was_not_is(control: Engine) -> None:
    notes, sent, failed, lost = ResendNotes(control), *(letter(GOOD, offset=number) for number in range(3))
    later = NOW + timedelta(minutes=3)
    for one in (sent, failed, lost):
        assert notes.reserve(one, "lena", now=NOW)

    notes.mark_sent(sent, now=NOW)
    notes.release(sent)
    notes.release(failed)

    assert not notes.reserve(sent, "lars", now=later)
    assert notes.reserve(failed, "lars", now=NOW)
    assert notes.reserve(lost, "lars", now=later)
    assert {one.by for one in notes.of([sent]).values()} == {"lena"}
    assert notes.of([]) == {}
