"""Times in the archive are in UTC, whatever zone they came in and whatever the database makes of them."""

from datetime import UTC, datetime, timedelta, timezone

from sqlalchemy.dialects import sqlite

from assay_services.stores.archive.tables import TABLES
from assay_services.stores.columns import Moment
from tests.support.builders import NOW

DIALECT = sqlite.dialect()


def test_a_time_goes_in_and_comes_out_in_utc() -> None:
    moment = Moment()
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert moment.process_bind_param(elsewhere, DIALECT) == NOW
    assert moment.process_result_value(NOW.replace(tzinfo=None), DIALECT) == NOW
    assert moment.process_result_value(elsewhere, DIALECT) == NOW
    assert moment.process_result_value(datetime(1, 1, 1, tzinfo=UTC), DIALECT) == datetime(1, 1, 1, tzinfo=UTC)


def test_no_time_stays_none() -> None:
    assert Moment().process_bind_param(None, DIALECT) is None
    assert Moment().process_result_value(None, DIALECT) is None


def test_every_table_says_what_a_row_is() -> None:
    assert all((table.__doc__ or "").strip() for table in TABLES)
