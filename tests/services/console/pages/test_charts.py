"""A line chart needs two readings; with fewer there is a sentence."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from assay_services.console.pages.charts import Point, single_reading

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ZONE = ZoneInfo("UTC")


def test_one_reading_is_a_sentence() -> None:
    shown = single_reading({"all labels": [Point(NOON, 0.714)]}, ZONE)

    assert "One reading so far: 0.71 at 12:00 UTC on 24 Nov; a line appears with the second." in (shown or "")


def test_readings_of_several_series_at_one_time_are_named() -> None:
    shown = single_reading({"safe": [Point(NOON, 0.7)], "<b>": [Point(NOON, 0.5)], "none": [Point(NOON, None)]}, ZONE)

    assert "One reading so far: safe 0.70, &lt;b&gt; 0.50 at 12:00 UTC" in (shown or "")


def test_a_series_without_a_defined_reading_says_so() -> None:
    assert "No reading is defined yet." in (single_reading({"all": [Point(NOON, None)], "none": []}, ZONE) or "")


def test_two_readings_at_different_times_are_a_line() -> None:
    points = [Point(NOON, 0.7), Point(NOON + timedelta(minutes=15), 0.8)]

    assert single_reading({"all": points}, ZONE) is None
    assert single_reading({"safe": points[:1], "scam": points[1:]}, ZONE) is None
