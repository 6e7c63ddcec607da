"""Judging alert rules: in event time, whatever comes late, and after a restart as if nothing had been."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_schemas.alert import AlertState, OrderKind
from assay_schemas.annotation import ProjectId
from assay_services.alerts.core import alert_store
from assay_services.alerts.core.observers import SOURCES, Observer
from assay_services.alerts.core.step import AlertsCore
from assay_services.alerts.core.watermark import Watermark, minutes_due
from assay_services.engine.core.core_api import NotYet
from assay_services.engine.core.state import PartitionState
from tests.services.alerts.observed_records import MINUTE_MS, Watch, a_reading, a_signal, an_annotation, ms_at
from tests.services.consensus.records import ARecord
from tests.support.builders import a_contract

REJECTIONS = {"id": "rejections", "metric": "rejection-share", "above": 0.2, "where": {"window": "10m"}, "at_least": 5}
LOW = {"id": "low", "metric": "agreement", "below": 0.6, "for": "3m", "where": {"window": "1h"}}
CONDUCT = {"id": "conduct", "metric": "signal", "severity": "critical", "labels": {"team": "t1"}}


def minute_by_minute(watch: Watch, minutes: Sequence[int], *, rejected: bool) -> None:
    """Let two annotations come in each minute."""
    topic = "annotations.rejected" if rejected else "annotations.validated"
    for minute in minutes:
        watch.hear(topic, an_annotation(minute + 0.2), an_annotation(minute + 0.6))


def test_a_share_of_the_last_ten_minutes_fires_and_resolves_in_event_time() -> None:
    watch = Watch(REJECTIONS)

    minute_by_minute(watch, range(10), rejected=False)
    minute_by_minute(watch, range(10, 14), rejected=True)
    minute_by_minute(watch, range(14, 40), rejected=False)

    # At the end of minute 12 six of twenty are rejected: the first time that is more than a fifth. From the end of
    # minute 21 on only four are left in the window.
    assert watch.told == [("rejections", "firing", 13.0), ("rejections", "resolved", 22.0)]
    firing = watch.said[0]
    assert firing.evidence["count"] == 20
    assert firing.value == 0.3
    assert firing.threshold == 0.2
    assert firing.summary == "rejection share is 0.3, the limit is above 0.2, over 10 min"


def test_what_comes_late_is_counted_where_it_belongs_and_makes_no_wave() -> None:
    watch = Watch(REJECTIONS)
    minute_by_minute(watch, range(60), rejected=False)

    late = [an_annotation(5 + place / 100, came=61) for place in range(100)]
    watch.hear("annotations.rejected", *late)
    minute_by_minute(watch, range(61, 90), rejected=False)

    assert watch.told == []


def test_what_comes_a_little_late_counts_in_its_minute() -> None:
    watch = Watch(REJECTIONS)
    minute_by_minute(watch, range(10), rejected=False)

    watch.hear("annotations.rejected", *[an_annotation(8.5, came=10.1) for _ in range(9)])
    minute_by_minute(watch, range(10, 13), rejected=False)

    assert watch.told == [("rejections", "firing", 9.0)]


def test_a_clock_that_jumps_ahead_moves_nothing_but_five_minutes() -> None:
    watch = Watch(REJECTIONS)
    minute_by_minute(watch, range(10), rejected=False)

    watch.hear("annotations.rejected", *[an_annotation(1_000_000, came=10) for _ in range(100)])
    minute_by_minute(watch, range(10, 14), rejected=False)

    assert watch.told == []


def test_agreement_must_be_low_for_long_enough() -> None:
    watch = Watch(LOW)

    for minute, value in enumerate([0.8, 0.5, 0.5, 0.7, 0.5, 0.5, 0.5, 0.5, 0.5, 0.8, 0.8, 0.8]):
        watch.hear("agreement.rolling", a_reading(minute + 1, value))

    assert watch.told == [
        ("low", "pending", 2.0), ("low", "resolved", 4.0), ("low", "pending", 5.0), ("low", "firing", 8.0),
        ("low", "resolved", 10.0),
    ]  # fmt: skip


def test_only_the_readings_that_a_rule_speaks_of_are_looked_at() -> None:
    of_scam = {"id": "scam", "metric": "agreement", "below": 0.6, "where": {"label": "scam", "window": "1h"}}
    by_market = {"id": "m", "metric": "agreement", "below": 0.6, "where": {"attribute": "market", "value": "*"}}
    watch = Watch(LOW | {"for": "0m"}, of_scam, by_market)

    for minute in range(1, 6):
        watch.hear(
            "agreement.rolling",
            a_reading(minute, 0.9),
            a_reading(minute, 0.1, window="15m"),
            a_reading(minute, 0.1, scope={"label": "safe"}),
            a_reading(minute, 0.1, scope={"annotators": "a|b"}),
            a_reading(minute, 0.1, scope={"attribute": "market", "value": "BR"}),
            a_reading(minute, 0.9, scope={"attribute": "market", "value": "DE"}),
            a_reading(minute, 0.9, scope={"label": "scam"}),
            a_reading(minute, 0.1, items=3),
        )

    assert {(one.rule, *one.labels.items()) for one in watch.said} == {("m", ("market", "BR"))}


def test_an_undefined_reading_and_one_that_is_too_old_say_nothing() -> None:
    watch = Watch(LOW | {"for": "0m"})

    watch.hear("agreement.rolling", a_reading(1, None), a_reading(2, None))
    watch.hear("agreement.rolling", a_reading(3, 0.4))
    watch.hear("agreement.rolling", a_reading(100, None))
    watch.hear("agreement.rolling", a_reading(102, None))

    assert watch.told == [("low", "firing", 3.0), ("low", "firing", 64.0)]
    assert "whether it is over is not known" in watch.said[-1].summary
    assert watch.said[-1].value is None

    watch.hear("agreement.rolling", a_reading(103, 0.9), a_reading(106, 0.9))

    assert watch.told[2:] == [("low", "resolved", 103.0)]


def test_a_change_is_found_against_the_window_before() -> None:
    watch = Watch(
        {"id": "mix", "metric": "label-share", "changes_by": 0.4, "where": {"label": "scam", "window": "5m"},
         "at_least": 5},
        {"id": "jump", "metric": "agreement", "changes_by": 0.3, "where": {"window": "15m"}},
    )  # fmt: skip

    for minute in range(30):
        label = "scam" if minute >= 20 else "safe"
        watch.annotations(an_annotation(minute, label=label), an_annotation(minute + 0.5, label=label))
        watch.hear("agreement.rolling", a_reading(minute + 0.5, 0.9 if minute < 22 else 0.5, window="15m"))

    assert ("mix", "firing", 23.0) in watch.told
    assert ("jump", "firing", 23.0) in watch.told
    assert watch.said[0].summary.endswith("more than 0.4 from the window before, over 5 min")


def test_shares_are_told_apart_by_label_annotator_attribute_rule_and_model() -> None:
    above = {"above": 0.5, "at_least": 3}
    watch = Watch(
        {"id": "by-annotator", "metric": "finding-rate", "where": {"annotator": "*", "rule": "too-fast"}} | above,
        {"id": "by-label", "metric": "label-share", "where": {"label": "*"}} | above,
        {"id": "of-market", "metric": "model-disagreement", "where": {"attribute": "market", "value": "DE"}} | above,
        {"id": "of-label", "metric": "model-disagreement", "where": {"label": "scam"}} | above,
        {"id": "of-each-label", "metric": "rejection-share", "where": {"label": "*"}} | above,
        {"id": "late", "metric": "lag", "above": 100, "at_least": 3},
        {"id": "one", "metric": "rejection-share", "where": {"annotator": "w9"}} | above,
        {"id": "off", "metric": "lag", "above": 0, "at_least": 1, "enabled": False},
    )
    improbable = {"label_probability": 0.01, "predicted": "safe", "predicted_probability": 0.9, "below_threshold": True}

    for minute in range(5):
        watch.annotations(
            an_annotation(minute, annotator="fast", findings=["too-fast"], label="scam", came=minute + 3),
            an_annotation(minute, annotator="slow", label="scam", market="DE", score=improbable, came=minute + 3),
            an_annotation(minute, annotator="slow", label="safe", came=minute + 3),
            an_annotation(minute, action="deleted", came=minute + 3),
        )
        watch.hear("annotations.rejected", an_annotation(minute, annotator="w9", label="adult"))

    assert {(one.rule, *one.labels.values()) for one in watch.said} == {
        ("by-annotator", "fast"), ("by-label", "scam"), ("of-market", "DE"), ("of-label", "scam"),
        ("of-each-label", "adult"), ("late",), ("one", "w9"),
    }  # fmt: skip


def test_disputed_items_are_counted_among_the_complete_ones() -> None:
    watch = Watch({"id": "review", "metric": "review-share", "above": 0.5, "at_least": 4})

    for minute in range(5):
        for status in ("open", "disputed", "disputed", "accepted"):
            said = {"project": "ads-safety", "status": status, "as_of": f"2026-11-24T12:0{minute}:00Z"}
            watch.hear("items.consensus", ARecord(orjson.dumps(said), timestamp=ms_at(minute)))

    assert watch.told == [("review", "firing", 2.0)]
    assert watch.said[0].evidence["count"] == 6


def test_a_signal_is_told_at_once_and_ends_when_it_is_withdrawn() -> None:
    watch = Watch(CONDUCT)

    watch.hear("annotators.signals", a_signal(5))
    watch.hear("annotators.signals", a_signal(9, state="withdrawn"))

    assert watch.told == [("conduct", "firing", 5.0), ("conduct", "resolved", 9.0)]
    assert watch.said[0].labels == {"annotator": "w1", "detector": "guessing", "team": "t1"}
    assert watch.said[0].summary == "w1: guessing (e-value 5,000)"
    assert watch.said[0].evidence["counts"] == {"annotations": 40.0}


def test_a_signal_can_be_chosen_by_detector_annotator_and_strength() -> None:
    watch = Watch(
        CONDUCT | {"id": "copying", "where": {"detector": "copying"}},
        CONDUCT | {"id": "w2", "where": {"annotator": "w2"}},
        CONDUCT | {"id": "strong", "above": 10_000},
        CONDUCT | {"id": "waits", "for": "5m"},
    )

    watch.hear("annotators.signals", a_signal(1), a_signal(2, detector="copying", peer="w3"))

    assert [(one.rule, one.summary) for one in watch.said if one.rule != "waits"] == [
        ("copying", "w1: copying with w3 (e-value 5,000)")
    ]
    for minute in range(3, 10):
        watch.hear("annotators.signals", a_signal(minute, annotator="w4"))
    assert ("waits", "firing", 6.0) in watch.told


def test_silence_about_a_project_is_told_once_the_time_has_passed_it_by() -> None:
    watch = Watch({"id": "quiet", "metric": "rejection-share", "absent": "30m"})

    minute_by_minute(watch, range(3), rejected=False)
    minute_by_minute(watch, range(120, 124), rejected=False)

    assert watch.told == [("quiet", "firing", 33.0), ("quiet", "resolved", 121.0)]
    assert watch.said[0].summary == "no rejection share for 30m or more"


def test_while_nobody_looked_nothing_is_called_absent() -> None:
    quiet = {"id": "quiet", "metric": "rejection-share", "absent": "30m"}
    watched, blind = Watch(quiet, watches=True), Watch(quiet, watches=True)

    for one in (watched, blind):
        minute_by_minute(one, range(3), rejected=False)
    for minute in range(3, 60):
        watched.rest(minute)
    blind.rest(60)
    for minute in range(60, 80):
        blind.rest(minute)

    assert watched.told == [("quiet", "firing", 33.0)]
    assert blind.told == []


def test_a_quiet_moment_right_after_another_changes_nothing() -> None:
    watch = Watch(REJECTIONS)
    minute_by_minute(watch, range(3), rejected=False)
    watch.rest(10)

    assert watch.core.idle(ms_at(10) + 100) is None
    assert watch.core.idle(ms_at(10) + 6_000) is None


def test_an_acknowledgement_is_told_once_whoever_asks_again() -> None:
    watch = Watch(CONDUCT)
    watch.hear("annotators.signals", a_signal(5))
    alert = watch.said[0].id

    for _ in range(2):
        watch.order(OrderKind.ACKNOWLEDGE, alert, minute=6)
    watch.order(OrderKind.ACKNOWLEDGE, "no such alert", minute=6)

    assert watch.told[1:] == [("conduct", "acknowledged", 6.0)]
    assert (watch.said[1].by, watch.said[1].why) == ("lea", "known")


def test_a_silenced_alert_says_so_and_is_told_anew_when_the_silence_ends() -> None:
    watch = Watch(CONDUCT)
    watch.order(OrderKind.SILENCE, "q1", minute=0, matchers={"annotator": "w1"}, until=ms_at(30))

    watch.hear("annotators.signals", a_signal(5))
    watch.rest(29)
    before = list(watch.told)
    watch.rest(31)
    watch.rest(32)

    assert before == [("conduct", "firing", 5.0)]
    assert watch.said[0].silenced_by == ["q1"]
    assert watch.told[1:] == [("conduct", "firing", 31.0)]
    assert watch.said[1].was is AlertState.FIRING
    assert watch.said[1].silenced_by == []


def test_a_silence_can_be_lifted_and_hushes_what_fires_already_without_a_word() -> None:
    watch = Watch(CONDUCT)
    watch.hear("annotators.signals", a_signal(5))

    watch.order(OrderKind.SILENCE, "q1", minute=6, project="ads-safety", matchers={}, until=ms_at(60))
    watch.order(OrderKind.UNSILENCE, "other", minute=7)
    hushed = len(watch.said)
    watch.order(OrderKind.UNSILENCE, "q1", minute=8)

    assert hushed == 1
    assert watch.told[1:] == [("conduct", "firing", 8.0)]


def test_an_alert_that_another_makes_redundant_says_so() -> None:
    watch = Watch(
        {"id": "broken", "metric": "rejection-share", "above": 0.9, "at_least": 2, "where": {"window": "5m"}},
        CONDUCT | {"inhibited_by": ["broken"]},
    )

    minute_by_minute(watch, range(5), rejected=True)
    watch.hear("annotators.signals", a_signal(5))
    minute_by_minute(watch, range(5, 20), rejected=False)

    assert [(one.rule, one.state.value, one.inhibited_by) for one in watch.said] == [
        ("broken", "firing", []),
        ("conduct", "firing", ["broken"]),
        ("broken", "resolved", []),
        ("conduct", "firing", []),
    ]


def test_a_rule_that_is_taken_out_ends_its_alerts_and_one_that_changes_counts_anew() -> None:
    watch = Watch(CONDUCT, REJECTIONS)
    watch.hear("annotators.signals", a_signal(5))
    minute_by_minute(watch, range(8), rejected=True)
    fired = len(watch.said)

    watch.put_in_force(REJECTIONS | {"where": {"window": "20m"}})
    minute_by_minute(watch, range(8, 12), rejected=False)

    assert fired == 2
    assert [(one.rule, one.state.value, one.summary) for one in watch.said[2:]] == [
        ("conduct", "resolved", "the rule was taken out of the contract"),
        (
            "rejections",
            "firing",
            "no data for rejection share over 20 min: whether it is over is not known, so the alert stays",
        ),
    ]


def test_a_project_that_goes_ends_its_alerts_and_counts_no_more() -> None:
    watch = Watch(CONDUCT, REJECTIONS)
    watch.hear("annotators.signals", a_signal(5))
    watch.annotations(an_annotation(5))

    watch.contracts.clear()
    watch.rest(20)

    assert watch.told == [("conduct", "firing", 5.0), ("conduct", "resolved", 20.0)]
    assert [one[1] for one in kept_of(watch)] != ["rejections"]


def test_a_day_is_looked_at_every_24_minutes() -> None:
    watch = Watch(REJECTIONS | {"where": {"window": "24h"}})

    minute_by_minute(watch, range(60), rejected=True)

    # 12:00 UTC is minute 0 of a sixtieth of a day, so the first one is over at 12:24.
    assert watch.told == [("rejections", "firing", 24.0)]


def kept_of(watch: Watch) -> list[Any]:
    return [orjson.loads(value) for _, value in watch.state.values()]


def test_a_rules_own_message_is_used_and_its_runbook_and_labels_go_along() -> None:
    watch = Watch(CONDUCT | {"message": "look at this", "runbook": "https://wiki.example/conduct"})

    watch.hear("annotators.signals", a_signal(5))

    assert watch.said[0].summary == "look at this (annotator w1, detector guessing)"
    assert watch.said[0].runbook == "https://wiki.example/conduct"


def test_a_million_annotators_once_each_take_bounded_room_and_alert_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_store, "MOST_SERIES", 40)
    each = {"id": "each", "metric": "rejection-share", "above": 0.1, "where": {"annotator": "*"}, "at_least": 3}
    watch = Watch(each)

    for minute in range(30):
        watch.hear(
            "annotations.rejected",
            *[an_annotation(minute, annotator=f"w{minute}-{number}") for number in range(10)],
            an_annotation(minute, annotator="regular"),
        )

    assert len(watch.state) <= 42
    assert {one.labels["annotator"] for one in watch.said} == {"regular"}
    assert watch.told == [("each", "firing", 3.0)]


def test_what_has_nothing_to_say_any_more_is_forgotten() -> None:
    watch = Watch(REJECTIONS | {"where": {"window": "10m", "annotator": "*"}})

    watch.annotations(an_annotation(0, annotator="w1"))
    watch.annotations(an_annotation(1_500, annotator="w2"))
    watch.annotations(an_annotation(1_502, annotator="w2"))

    kept = [orjson.loads(value) for _, value in watch.state.values()]
    assert [one[2] for one in kept if one[1] == "rejections"] == [{"annotator": "w2"}]


def test_a_source_that_lags_behind_holds_the_others_up_until_it_is_silent() -> None:
    clock = Watermark("p")
    clock.advance("a", ms_at(60), ms_at(60))
    clock.advance("b", ms_at(10), ms_at(60))

    assert clock.target(ms_at(60)) == ms_at(10) // MINUTE_MS - 2
    clock.advance("a", ms_at(62), ms_at(62))
    assert clock.target(ms_at(62)) == ms_at(62) // MINUTE_MS - 2
    assert Watermark("q").target(ms_at(5)) is None


def test_old_data_do_not_wait_for_the_clock_on_the_wall() -> None:
    clock = Watermark("p")
    clock.advance("a", ms_at(0), ms_at(500))

    assert clock.target(ms_at(600)) == ms_at(0) // MINUTE_MS - 2


def test_a_year_without_anything_takes_no_time() -> None:
    found = list(minutes_due(0, 525_600, data=iter([10, 300_000]), horizon=20))

    assert found == [*range(31), *range(300_000, 300_021)]
    assert list(minutes_due(0, 5, data=iter([]), horizon=20)) == [0, 1, 2, 3, 4, 5]


def test_a_project_without_a_contract_is_waited_for_once() -> None:
    intake = Observer({}, "annotations.validated/0", SOURCES["annotations.validated"])

    with pytest.raises(NotYet):
        intake.step(PartitionState(), [an_annotation(1)])
    step = intake.step(PartitionState(), [an_annotation(1)])

    assert (list(step.outputs), dict(step.verdicts)) == ([], {"no-contract": 1})


@pytest.mark.parametrize("topic", SOURCES)
def test_a_project_without_rules_says_nothing(topic: str) -> None:
    intake = Observer({ProjectId("ads-safety"): a_contract()}, topic, SOURCES[topic])
    records = {"items.consensus": a_word(), "agreement.rolling": a_reading(1, 0.5), "annotators.signals": a_signal(1)}

    step = intake.step(PartitionState(), [records.get(topic, an_annotation(1))])

    assert (list(step.outputs), dict(step.verdicts)) == ([], {"no-rule": 1})


def a_word() -> ARecord:
    return ARecord(b'{"project":"ads-safety","status":"accepted","as_of":"2026-11-24T12:00:00Z"}', timestamp=ms_at(0))


@pytest.mark.parametrize("topic", ["items.consensus", "agreement.rolling", "annotators.signals"])
def test_a_word_of_a_project_without_a_contract_is_waited_for_once(topic: str) -> None:
    intake = Observer({}, topic, SOURCES[topic])
    records = {"items.consensus": a_word(), "agreement.rolling": a_reading(1, 0.5), "annotators.signals": a_signal(1)}

    with pytest.raises(NotYet):
        intake.step(PartitionState(), [records[topic]])

    assert dict(intake.step(PartitionState(), [records[topic]]).verdicts) == {"no-rule": 1}


def test_times_in_rarer_forms_and_labels_of_every_kind_are_read() -> None:
    watch = Watch({"id": "any", "metric": "label-share", "above": 0.1, "where": {"label": "scam"}, "at_least": 1})
    labels: list[Any] = [["scam", "safe"], [{"start": 0, "end": 1, "label": "scam"}], 3]

    for minute in range(4):
        for label in labels:
            record = an_annotation(minute, label=label)
            rare = (record.value or b"").replace(b"+00:00", b"z")
            watch.annotations(ARecord(rare, timestamp=record.timestamp))

    assert watch.told == [("any", "firing", 1.0)]
    assert watch.said[0].value == pytest.approx(2 / 3)


def test_an_observation_of_a_project_without_contract_or_of_an_unknown_rule_changes_nothing() -> None:
    watch = Watch(CONDUCT)
    counted = {"rule": "gone", "labels": {}, "minute": 1, "hits": 1, "total": 1}
    gauge = {"rule": "gone", "labels": {}, "at": 1, "value": 1, "low": None, "high": None, "count": 1}
    happened = {"rule": "gone", "labels": {}, "at": 1, "holds": True, "value": 1, "evidence": {}}
    said = {"project": "ads-safety", "source": "s", "tallies": [counted], "gauges": [gauge], "occurrences": [happened]}

    known = watch.take(ARecord(orjson.dumps(said)))
    unknown = watch.take(ARecord(orjson.dumps(said | {"project": "nobody"})))

    assert dict(known.verdicts) == {"observed": 1}
    assert dict(unknown.verdicts) == {"no-contract": 1}
    assert watch.said == []


def test_every_restart_goes_on_as_if_nothing_had_been() -> None:
    rules: list[dict[str, Any]] = [REJECTIONS, LOW, CONDUCT, {"id": "quiet", "metric": "lag", "absent": "5m"}]
    steady, shaken = Watch(*rules), Watch(*rules)

    for watch in (steady, shaken):
        watch.order(OrderKind.SILENCE, "q1", minute=0, matchers={"annotator": "w3"}, until=ms_at(20))
        for minute in range(40):
            topic = "annotations.rejected" if 10 <= minute < 16 else "annotations.validated"
            watch.hear(topic, an_annotation(minute), an_annotation(minute + 0.3))
            watch.hear("agreement.rolling", a_reading(minute + 0.5, 0.9 if minute % 11 else 0.4))
            if minute % 7 == 3:
                watch.hear("annotators.signals", a_signal(minute, annotator=f"w{minute % 4}"))
            if watch is shaken:
                watch.restart()

    assert steady.said
    assert shaken.said == steady.said
    assert shaken.state.items() == steady.state.items()


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=5), st.sampled_from(sorted(SOURCES)))
def test_bytes_of_any_kind_break_nothing(values: list[bytes], topic: str) -> None:
    watch = Watch(REJECTIONS, CONDUCT)

    heard = watch.hear(topic, *[ARecord(value) for value in values])
    judged = watch.take(*[ARecord(value) for value in values])

    assert sum(heard.verdicts.values()) == len(values)
    assert dict(judged.verdicts) == {"unreadable": len(values)}


def test_the_core_of_no_state_is_at_rest() -> None:
    assert AlertsCore({}, PartitionState()).idle(ms_at(0)) is None


def test_the_alerts_of_a_parked_project_stay_as_they_are() -> None:
    watch = Watch(CONDUCT)
    watch.hear("annotators.signals", a_signal(5))
    core = AlertsCore({}, watch.state, parked=tuple(watch.contracts))

    step = core.idle(ms_at(500))

    assert step is None or not step.outputs
    assert watch.told == [("conduct", "firing", 5.0)]
