"""The spool: what it has taken survives, in its order, and it never grows beyond its bound."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_services.gateway.core.annotation_bodies import OutgoingRecord
from assay_services.gateway.spool import Spool


def a_row(number: int, *, value: bytes = b"{}") -> OutgoingRecord:
    return OutgoingRecord("annotations", f"p:{number}".encode(), value, "[]")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


def test_records_come_out_in_the_order_in_which_they_went_in(path: Path) -> None:
    spool = Spool(path, largest=10_000)

    spool.append([[a_row(1), a_row(2)], [a_row(3)]])

    assert [row for _, row in spool.oldest(10)] == [a_row(1), a_row(2), a_row(3)]


def test_what_was_taken_is_there_when_the_file_is_opened_again(path: Path) -> None:
    Spool(path, largest=10_000).append([[a_row(1)]])

    again = Spool(path, largest=10_000)

    assert [row for _, row in again.oldest(10)] == [a_row(1)]
    assert (again.count, again.bytes) == (1, a_row(1).size)


def test_a_group_that_does_not_fit_is_refused_whole_and_a_smaller_one_after_it_is_taken(path: Path) -> None:
    small, large = [a_row(1)], [a_row(2), a_row(3, value=b"x" * 1_000)]
    spool = Spool(path, largest=500)

    kept = spool.append([small, large, small])

    assert kept == [True, False, True]
    assert [row for _, row in spool.oldest(10)] == [*small, *small]


def test_only_what_was_handed_out_is_dropped(path: Path) -> None:
    spool = Spool(path, largest=10_000)
    spool.append([[a_row(number) for number in range(5)]])

    spool.drop(spool.oldest(2))
    spool.drop([])

    assert [row for _, row in spool.oldest(10)] == [a_row(2), a_row(3), a_row(4)]
    assert (spool.count, spool.bytes) == (3, 3 * a_row(0).size)


def test_nobody_else_may_read_the_file(path: Path) -> None:
    Spool(path, largest=10_000)

    assert path.stat().st_mode & 0o077 == 0


@given(values=st.lists(st.one_of(st.none(), st.binary(max_size=50)), max_size=20))
def test_any_bytes_are_kept_as_they_are(values: list[bytes | None], tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = [OutgoingRecord("t", value, value, "[]") for value in values]
    spool = Spool(tmp_path_factory.mktemp("spool") / "spool.db", largest=10_000)

    spool.append([rows])

    assert [row for _, row in spool.oldest(100)] == rows
    spool.close()
