from datetime import timedelta
from itertools import pairwise
from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_models.conduct.judged_annotation import JudgedAnnotation
from assay_models.conduct.stream import POOL, ConductStream
from assay_schemas.annotation import microseconds
from assay_schemas.conduct import Detector, Signal, SignalState
from assay_schemas.json_data import Json
from tests.models.conduct.builders import CONTRACT, LABELS, START, a_copy, a_judged, put_all

_MAX_BYTES = 20_000


def wrong(number: int, **changes: Json) -> JudgedAnnotation:
    return a_judged(number, **({"label": LABELS[(number + 1 + number % 3) % 4]} | changes))


def a_drop(*, at: int = 300, more: int = 60) -> list[JudgedAnnotation]:
    """Return the annotations of somebody who is right in 9 of 10, and from `at` on in one of three."""
    good = [wrong(number) if number % 10 == 7 else a_judged(number) for number in range(at)]
    bad = [wrong(number) if number % 3 else a_judged(number) for number in range(at, at + more)]
    return good + bad


def a_pool(size: int, each: int, *, seed: int = 5) -> list[JudgedAnnotation]:
    """Return the annotations of some who err in a fifth of cases, with each other's labels as others."""
    dice, judged = Random(seed), []
    for number in range(each):
        truth = dice.choice(LABELS)
        said = {f"b{one:02}": truth if dice.random() < 0.8 else dice.choice(LABELS) for one in range(size)}
        for name, label in said.items():
            others = {other: theirs for other, theirs in said.items() if other != name}
            at = START + timedelta(minutes=3 * number, seconds=dice.randrange(50))
            judged.append(
                a_judged(
                    number, annotator=name, annotation=f"{name}-{number}", label=label, others=others,
                    consensus=truth, occurred_at=at, lead_time_seconds=4 + 9 * dice.random(),
                )
            )  # fmt: skip
    return judged


def told(signals: list[Signal]) -> list[tuple[str, str]]:
    return [(signal.detector.value, signal.state.value) for signal in signals]


def test_an_empty_stream_knows_nobody() -> None:
    stream = ConductStream(CONTRACT)

    assert len(stream) == 0
    assert stream.report("a17") is None
    assert stream.dump("a17") is None
    assert stream.changed() == []


def test_of_an_annotator_who_does_nothing_wrong_nothing_is_said() -> None:
    stream = ConductStream(CONTRACT)

    signals = put_all(stream, a_pool(4, 150))

    assert signals == []
    assert len(stream) == 4


def test_a_drop_is_said_once_with_what_it_rests_on() -> None:
    stream = ConductStream(CONTRACT)
    judged = a_drop()

    signals = put_all(stream, judged)

    drops = [signal for signal in signals if signal.detector is Detector.ACCURACY_DROP]
    assert told(drops) == [("accuracy-drop", "raised")]
    (drop,) = drops
    assert microseconds(drop.since_low) <= judged[301].occurred <= microseconds(drop.since_high)
    assert drop.since_low <= drop.since <= drop.since_high <= drop.at
    assert drop.e_value >= 1 / drop.false_alarm_level
    assert 0 < drop.false_discovery_level < 0.05
    assert drop.evidence.comparison["agreeing_share"] < 0.6 < drop.evidence.comparison["own_usual_share"]
    assert 1 <= len(drop.evidence.items) <= 10
    assert all(item.label != item.consensus for item in drop.evidence.items)


def test_without_times_a_signal_says_nothing_of_speed() -> None:
    stream = ConductStream(CONTRACT)

    signals = put_all(stream, [one._replace(lead_time_seconds=None) for one in a_drop()])

    assert signals
    assert all("median_seconds" not in signal.evidence.comparison for signal in signals)


def test_what_was_said_is_taken_back_when_it_is_over() -> None:
    stream = ConductStream(CONTRACT)
    put_all(stream, a_drop())

    signals = put_all(stream, [a_judged(number) for number in range(360, 560)])
    again = put_all(stream, [wrong(number) for number in range(560, 620)])

    assert ("accuracy-drop", "withdrawn") in told(signals)
    assert ("accuracy-drop", "raised") in told(again)


def test_guessing_is_found_from_the_first_annotation_on() -> None:
    stream, dice = ConductStream(CONTRACT), Random(3)
    put_all(stream, a_pool(4, 100))

    signals = put_all(stream, [a_judged(number, label=dice.choice(LABELS)) for number in range(100, 170)])

    assert ("guessing", "raised") in told(signals)


def test_clicking_through_and_a_machine_are_found_by_their_times() -> None:
    stream = ConductStream(CONTRACT)
    put_all(stream, a_pool(4, 100))

    hurried = [a_judged(number, lead_time_seconds=0.6, consensus=None) for number in range(100, 140)]
    signals = put_all(stream, hurried)

    assert {("too-fast", "raised"), ("bot-timing", "raised")} <= set(told(signals))
    fast = next(signal for signal in signals if signal.detector is Detector.TOO_FAST)
    assert fast.evidence.comparison["median_seconds"] == 0.6
    assert fast.evidence.comparison["median_pace"] < -2


def test_fatigue_is_said_when_it_has_come_back() -> None:
    # Twelve days from 8 to 16 h; after four hours half of the annotations are wrong.
    stream, dice, signals = ConductStream(CONTRACT), Random(4), list[Signal]()
    for day in range(12):
        for slot in range(160):
            number = 160 * day + slot
            at = START + timedelta(days=day, minutes=3 * slot, seconds=number * number % 50)
            make = wrong if dice.random() < (0.5 if slot > 80 else 0.05) else a_judged
            signals += stream.put(make(number, occurred_at=at))

    tired = [signal for signal in signals if signal.detector is Detector.FATIGUE]

    assert tired[0].state is SignalState.RAISED
    assert tired[0].at - tired[0].since > timedelta(hours=12)


def test_two_who_share_their_errors_are_named_together() -> None:
    stream, dice, signals = ConductStream(CONTRACT), Random(2), list[Signal]()
    for number in range(80):
        label = LABELS[number % 4] if dice.random() < 0.75 else dice.choice(LABELS)
        for name, peer in (("twin-a", "twin-b"), ("twin-b", "twin-a")):
            signals += stream.put(
                a_judged(number, annotator=name, annotation=f"{name}-{number}", label=label, others={peer: label})
            )

    pairs = [signal for signal in signals if signal.detector is Detector.COPYING]

    assert [(signal.annotator, signal.peer) for signal in pairs] == [("twin-a", "twin-b")]
    assert pairs[0].evidence.counts["same_errors"] >= 5
    assert pairs[0].evidence.items
    report = stream.report("twin-a")
    assert report is not None
    assert Detector.COPYING in report.standing


def test_copying_is_taken_back_when_the_two_go_apart() -> None:
    stream, dice = ConductStream(CONTRACT), Random(2)
    for number in range(80):
        label = LABELS[number % 4] if dice.random() < 0.75 else dice.choice(LABELS)
        stream.put(a_judged(number, label=label, others={"b": label}))

    signals = put_all(stream, [a_judged(number, others={"b": LABELS[(number + 1) % 4]}) for number in range(80, 100)])

    assert ("copying", "withdrawn") in told(signals)


def test_gold_is_preferred_to_the_consensus() -> None:
    stream = ConductStream(CONTRACT)

    put_all(stream, [a_judged(number, consensus="safe", gold=LABELS[number % 4]) for number in range(20)])

    report = stream.report("a17")
    assert report is not None
    assert report.against_gold is not None
    assert (report.against_gold.value, report.against_gold.count) == (1.0, 20)
    assert report.against_consensus is None


def test_without_consensus_nothing_is_said_of_accuracy() -> None:
    stream = ConductStream(CONTRACT)

    signals = put_all(
        stream, [a_judged(n, label="safe", consensus=None, consensus_probability=None) for n in range(60)]
    )

    assert signals == []


@pytest.mark.parametrize("moment", [1, 2, 40, 299, 330])
def test_a_stream_restored_midway_says_the_same(moment: int) -> None:
    judged = a_drop()
    whole, first = ConductStream(CONTRACT), ConductStream(CONTRACT)

    expected = put_all(whole, judged)
    before = put_all(first, judged[:moment])
    after = put_all(a_copy(first), judged[moment:])

    assert before + after == expected
    assert expected


def test_a_pool_restored_midway_says_the_same() -> None:
    judged = a_pool(4, 60)
    whole, first = ConductStream(CONTRACT), ConductStream(CONTRACT)

    put_all(whole, judged)
    put_all(first, judged[:100])
    second = a_copy(first)
    put_all(second, judged[100:])

    for name in (POOL, "b00", "b03"):
        assert orjson.dumps(second.dump(name)) == orjson.dumps(whole.dump(name))


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_different_annotators_within_a_minute_does_not_matter(dice: Random) -> None:
    judged = a_pool(4, 40)
    rounds = [judged[start : start + 4] for start in range(0, len(judged), 4)]
    plain, shuffled = ConductStream(CONTRACT), ConductStream(CONTRACT)

    put_all(plain, judged)
    for part in rounds:
        put_all(shuffled, dice.sample(part, len(part)))

    for name in ("b00", "b01", "b02", "b03"):
        assert shuffled.dump(name) == plain.dump(name)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 359), max_size=20))
def test_an_annotation_that_comes_again_changes_nothing(again: list[int]) -> None:
    judged = a_drop()
    once, twice = ConductStream(CONTRACT), ConductStream(CONTRACT)

    expected = put_all(once, judged)
    said = []
    for place, one in enumerate(judged):
        said += put_all(twice, [one, *(judged[number] for number in again if number == place)])

    assert said == expected
    assert twice.dump("a17") == once.dump("a17")


def test_an_update_replaces_what_was_counted_and_not_what_was_concluded() -> None:
    stream = ConductStream(CONTRACT)
    judged = [a_judged(number) for number in range(20)]
    put_all(stream, judged)
    before = stream.dump("a17")[2]

    put_all(stream, [wrong(18, prelabel="safe"), a_judged(19, consensus=None)])  # the latter has had its truth

    report = stream.report("a17")
    assert report is not None
    assert report.annotations == 20
    assert report.against_consensus is not None
    assert (report.against_consensus.count, report.against_consensus.value) == (20, 19 / 20)
    assert report.prelabels_kept is not None
    assert stream.dump("a17")[2] == before


def test_a_truth_that_comes_later_is_as_good_as_one_at_once() -> None:
    at_once, later = ConductStream(CONTRACT), ConductStream(CONTRACT)
    judged = a_drop()

    expected = put_all(at_once, judged)
    signals = []
    for one in judged:
        without = one._replace(consensus=None, consensus_probability=None)
        signals += put_all(later, [without, without, one, without])

    assert [signal.detector for signal in expected if signal.detector is Detector.ACCURACY_DROP]
    drops = [[one.at for one in found if one.detector is Detector.ACCURACY_DROP] for found in (expected, signals)]
    assert len(drops[1]) == len(drops[0])
    assert abs(drops[1][0] - drops[0][0]) < timedelta(minutes=20)


def test_an_update_of_a_newcomer_replaces_the_annotation() -> None:
    stream = ConductStream(CONTRACT)

    put_all(stream, [a_judged(0), wrong(0), a_judged(1), a_judged(2)])

    report = stream.report("a17")
    assert report is not None
    assert report.annotations == 3
    assert report.against_consensus is not None
    assert report.against_consensus.value == pytest.approx(2 / 3)


def test_an_update_of_something_long_forgotten_is_ignored() -> None:
    stream = ConductStream(CONTRACT)
    put_all(stream, [a_judged(number) for number in range(100)])
    before = stream.dump("a17")

    stream.put(wrong(3))

    assert stream.dump("a17") == before


def test_of_many_annotations_only_the_newest_ids_are_known() -> None:
    stream = ConductStream(CONTRACT)
    put_all(stream, [a_judged(number) for number in range(450)])

    stream.put(a_judged(0))

    report = stream.report("a17")
    assert report is not None
    assert report.annotations == 451


def test_other_names_for_the_labels_give_the_same_evidence() -> None:
    renamed = dict(zip(LABELS, ("z", "y", "x", "w"), strict=True))
    judged = a_drop()
    other = [one._replace(label=renamed[str(one.label)], consensus=renamed[str(one.consensus)]) for one in judged]

    plain = put_all(ConductStream(CONTRACT), judged)
    found = put_all(ConductStream(CONTRACT), other)

    assert [(one.id, one.e_value, one.since) for one in found] == [(one.id, one.e_value, one.since) for one in plain]


def test_those_seen_once_are_few_bytes_and_not_kept_for_ever() -> None:
    stream = ConductStream(CONTRACT, most_newcomers=100)

    for number in range(150):
        stream.put(a_judged(number, annotator=f"once-{number}"))

    assert len(stream) == 100
    assert "once-0" in stream.changed()
    assert stream.dump("once-0") is None
    assert len(orjson.dumps(stream.dump("once-149"))) < 1_000


def test_who_was_heard_of_longest_ago_is_forgotten_first() -> None:
    stream = ConductStream(CONTRACT, most_annotators=2)

    for name in ("first", "second", "third"):
        put_all(stream, [a_judged(number, annotator=name, annotation=f"{name}{number}") for number in range(3)])
        put_all(stream, [a_judged(number, annotator="first", annotation=f"more-{name}") for number in range(3)])

    assert (stream.report("second"), stream.dump("second")) == (None, None)
    assert stream.report("first") is not None


@pytest.mark.parametrize("length", [8, 256])
def test_the_state_of_an_annotator_stays_small(length: int) -> None:
    stream, dice = ConductStream(CONTRACT), Random(8)
    for number in range(1_500):
        peers = {f"peer-{dice.randrange(200)}".rjust(length, "z"): dice.choice(LABELS) for _ in range(4)}
        stream.put(
            a_judged(
                number, label=dice.choice([*LABELS, f"a rather long label, number {dice.randrange(60)}"]),
                annotation=f"an-{number}".rjust(length, "n"), item=f"i-{number}".rjust(length, "i"), others=peers,
            )
        )  # fmt: skip

    assert len(orjson.dumps(stream.dump("a17"))) <= _MAX_BYTES


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.builds(
            a_judged,
            st.integers(0, 30),
            label=st.one_of(st.sampled_from(LABELS), st.integers(-3, 3), st.lists(st.text(max_size=3), max_size=3)),
            consensus=st.one_of(st.none(), st.sampled_from(LABELS)),
            consensus_probability=st.one_of(st.none(), st.floats(0, 1)),
            lead_time_seconds=st.one_of(st.none(), st.floats(-1e9, 1e9)),
            occurred_at=st.datetimes().map(lambda moment: moment.replace(tzinfo=START.tzinfo)),
            others=st.dictionaries(st.text("ab", min_size=1, max_size=2), st.sampled_from(LABELS), max_size=3),
        ),
        max_size=40,
    )
)
def test_whatever_comes_the_stream_goes_on(judged: list[JudgedAnnotation]) -> None:
    stream = ConductStream(CONTRACT)

    put_all(stream, judged)

    for name in stream.changed():
        orjson.dumps(stream.dump(name))
        stream.report(name)


def test_ids_of_signals_are_those_of_what_they_say() -> None:
    one, other = put_all(ConductStream(CONTRACT), a_drop()), put_all(ConductStream(CONTRACT), a_drop())

    assert [signal.id for signal in one] == [signal.id for signal in other]
    assert all(first.id != second.id for first, second in pairwise(one))
