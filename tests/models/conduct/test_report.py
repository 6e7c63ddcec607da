from datetime import timedelta

import pytest

from assay_models.conduct.report import rate_of
from assay_models.conduct.stream import ConductStream
from assay_schemas.conduct import ConductReport
from tests.models.conduct.builders import CONTRACT, LABELS, START, a_judged, put_all


def report_of(stream: ConductStream) -> ConductReport:
    found = stream.report("a17")
    assert found is not None
    return found


def test_a_rate_has_an_interval_and_nothing_counted_has_none() -> None:
    rate = rate_of(20, 18)

    assert rate is not None
    # Jeffreys' interval of 18 of 20 (Brown, Cai & DasGupta 2001): Beta(18.5, 2.5).
    assert [rate.low, rate.value, rate.high] == pytest.approx([0.7167, 0.9, 0.9782], abs=1e-3)
    assert rate_of(0, 0) is None


def test_a_report_says_how_somebody_works() -> None:
    stream = ConductStream(CONTRACT)
    said = [
        a_judged(n, label="safe" if n % 8 == 1 else LABELS[n % 4], prelabel="safe", model_label="scam")
        for n in range(40)
    ]
    put_all(stream, said)

    report = report_of(stream)

    assert (report.annotations, report.project, report.annotator) == (40, "ads-safety", "a17")
    assert report.against_consensus is not None
    assert report.against_consensus.value == pytest.approx(35 / 40)
    assert report.confusion["adult"] == {"safe": 5.0, "adult": 5.0}
    assert report.labels["safe"].said_share == pytest.approx(15 / 40)
    assert report.labels["safe"].expected_share == pytest.approx(10 / 40)
    assert report.prelabels_kept is not None
    assert report.prelabels_kept.value == pytest.approx(15 / 40)
    assert report.against_model is not None
    assert report.against_model.value == pytest.approx(10 / 40)
    assert report.speed is not None
    assert 8 <= report.speed.fastest_tenth_seconds <= report.speed.median_seconds <= report.speed.slowest_tenth_seconds
    assert report.speed.characters_per_second == pytest.approx(120 / 14, rel=0.1)
    assert report.activity.sessions == 1
    assert report.activity.session_hours == pytest.approx(39 * 3 / 60, abs=0.05)
    assert sum(report.activity.by_hour) == 40
    assert report.spammer_score is not None
    assert 0.5 < report.spammer_score < 1
    assert [(point.day, point.compared, point.agreed) for point in report.trend] == [("2026-03-02", 40, 35)]


def test_what_is_not_known_is_none() -> None:
    stream = ConductStream(CONTRACT)
    bare = {"consensus": None, "lead_time_seconds": None, "text_length": None}
    put_all(stream, [a_judged(number, **bare) for number in range(3)])

    report = report_of(stream)

    assert (report.against_consensus, report.speed, report.prelabels_kept, report.spammer_score) == (None,) * 4
    assert (report.labels, report.confusion, report.peers, report.trend) == ({}, {}, [], [])


def test_times_without_texts_say_nothing_of_reading() -> None:
    stream = ConductStream(CONTRACT)
    put_all(stream, [a_judged(number, text_length=None) for number in range(3)])

    speed = report_of(stream).speed

    assert speed is not None
    assert speed.characters_per_second is None


def test_times_too_short_to_read_anything_say_nothing_of_reading() -> None:
    stream = ConductStream(CONTRACT)
    put_all(stream, [a_judged(number, lead_time_seconds=5e-324) for number in range(3)])

    speed = report_of(stream).speed

    assert speed is not None
    assert speed.characters_per_second is None


def test_a_night_between_makes_two_sessions() -> None:
    stream = ConductStream(CONTRACT)
    put_all(stream, [a_judged(n, occurred_at=START + timedelta(hours=10 * (n // 5), minutes=n)) for n in range(10)])

    assert report_of(stream).activity.sessions == 2


def test_an_item_labelled_again_shows_how_constant_somebody_is() -> None:
    stream = ConductStream(CONTRACT)
    put_all(stream, [a_judged(number) for number in range(8)])

    put_all(stream, [a_judged(8, item="i3", label=LABELS[3]), a_judged(9, item="i4", label="scam")])

    repeats = report_of(stream).repeats_same
    assert repeats is not None
    assert (repeats.count, repeats.value) == (2, 0.5)


def test_an_item_is_known_by_its_newest_annotation_when_the_older_is_forgotten() -> None:
    stream = ConductStream(CONTRACT)
    again = {0: "safe", 20: "adult", 40: "adult"}
    changed = {number: {"item": "the same", "label": label} for number, label in again.items()}
    put_all(stream, [a_judged(number, **changed.get(number, {})) for number in range(41)])

    repeats = report_of(stream).repeats_same

    assert repeats is not None
    assert (repeats.count, repeats.value) == (2, 0.5)


def test_of_many_peers_those_at_both_ends_are_named() -> None:
    stream = ConductStream(CONTRACT)
    for number in range(60):
        others = {f"b{peer:02}": LABELS[number % 4] if number % 14 >= peer else "odd" for peer in range(14)}
        stream.put(a_judged(number, others=others))

    peers = report_of(stream).peers

    assert len(peers) == 10
    assert peers[0].agreement.value == 1.0
    assert peers[0].peer == "b00"
    assert peers[-1].peer == "b13"


def test_the_past_fades_from_the_confusion() -> None:
    stream = ConductStream(CONTRACT)
    put_all(stream, [a_judged(number) for number in range(40)])

    stream.put(a_judged(40, occurred_at=START + timedelta(days=30)))

    confusion = report_of(stream).confusion
    assert confusion["adult"]["adult"] == pytest.approx(10 / 2.71828, rel=1e-3)
    assert confusion["safe"]["safe"] == pytest.approx(10 / 2.71828 + 1, rel=1e-3)


def test_a_fortnight_of_days_is_shown() -> None:
    stream = ConductStream(CONTRACT)

    put_all(stream, [a_judged(number, occurred_at=START + timedelta(days=number)) for number in range(20)])

    assert [point.day for point in report_of(stream).trend][::13] == ["2026-03-08", "2026-03-21"]


def test_more_labels_than_can_be_told_apart_are_counted_together() -> None:
    stream = ConductStream(CONTRACT)

    put_all(stream, [a_judged(number, label=f"l{number}", consensus=f"l{number}") for number in range(120)])

    confusion = report_of(stream).confusion
    assert len(confusion) == 65
    assert confusion["…"]["…"] == 56
