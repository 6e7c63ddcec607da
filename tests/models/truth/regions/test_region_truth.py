"""The truth of spans and boxes: how marks are grouped, and what becomes of the groups."""

import random
import statistics
from itertools import permutations
from typing import Any

import pytest

from assay_models.truth.regions.clusters import Mark, best_overlap, grouped, marks_of
from assay_models.truth.truth_model import GivenLabel, ItemFacts, ItemJudgement, TruthModel
from assay_schemas.annotation import AnnotatorId, Box, Span
from tests.models.truth.labelled import LAZY, NEW, a_box, a_span, a_truth, brought_to_rest, facts, settled
from tests.support.builders import a_contract

NOTHING: list[str] = []
A, B, C = AnnotatorId("a"), AnnotatorId("b"), AnnotatorId("c")
CAREFUL, SEER = AnnotatorId("w0"), AnnotatorId("seer")


def marks(*borders: tuple[int, int] | tuple[int, int, str]) -> list[Mark]:
    return [Mark(low, 0, high, 1, *(name or ["person"])) for low, high, *name in borders]


def members(groups: Any) -> list[dict[str, tuple[int, int]]]:  # noqa: ANN401  # a tuple of groups
    return [{who: (mark.left, mark.right) for who, mark in group.members.items()} for group in groups]


def test_marks_that_overlap_by_half_are_one() -> None:
    groups = grouped({A: marks((0, 10), (50, 60)), B: marks((2, 12)), C: marks((6, 20))}, [])

    assert members(groups) == [{"a": (0, 10), "b": (2, 12)}, {"c": (6, 20)}, {"a": (50, 60)}]


def test_the_closest_are_joined_first_and_nobody_is_twice_in_a_group() -> None:
    groups = grouped({A: marks((0, 10), (1, 11)), B: marks((0, 10), (1, 11)), C: marks((1, 11))}, [])

    assert members(groups) == [{"a": (0, 10), "b": (0, 10)}, {"a": (1, 11), "b": (1, 11), "c": (1, 11)}]


def test_of_marks_in_the_same_place_those_of_one_name_belong_together() -> None:
    both = marks((0, 10, "person"), (0, 10, "place"))

    groups = grouped({A: both, B: both[::-1]}, [])

    assert [{mark.label for mark in group.members.values()} for group in groups] == [{"person"}, {"place"}]


def test_groups_do_not_depend_on_the_order_of_annotators_or_marks() -> None:
    rng = random.Random(1)
    drawn = {who: marks(*((start, start + 10) for start in rng.sample(range(30), 4))) for who in (A, B, C)}
    expected = members(grouped(drawn, []))

    for order in permutations(drawn):
        assert members(grouped({who: rng.sample(drawn[who], 4) for who in order}, [])) == expected


def test_a_known_mark_has_a_group_even_if_nobody_saw_it() -> None:
    seen, missed = grouped({A: marks((1, 10))}, marks((0, 10), (90, 99)))

    assert seen.known == Mark(0, 0, 10, 1, "person")
    assert missed.members == {}
    assert missed.merged({}, "place") == Mark(90, 0, 99, 1, "person")


def test_marks_without_area_overlap_nothing() -> None:
    groups = grouped({A: marks((5, 5), (7, 7)), B: marks((5, 5))}, [])

    assert len(groups) == 3
    assert grouped({A: []}, []) == ()
    assert best_overlap(marks((0, 10))[0], []) is None
    assert best_overlap(marks((0, 10))[0], marks((9, 30))) is None
    assert best_overlap(marks((0, 10))[0], marks((9, 30), (1, 10))) == 1


def test_borders_are_medians_by_reliability() -> None:
    (group,) = grouped({A: marks((0, 10)), B: marks((1, 10)), C: marks((2, 13))}, [])

    assert group.merged({A: 0.5, B: 0.5, C: 0.5}, "x")[:4] == (1, 0, 10, 1)
    assert group.merged({A: 0.1, B: 0.1, C: 0.9}, "x")[:4] == (2, 0, 13, 1)
    assert group.merged({A: 0.5, B: 0.4, C: 0.9}, "x")[:4] == (1.5, 0, 11.5, 1)


def test_marks_come_as_models_or_as_plain_data() -> None:
    spans: Any = [Span(start=1, end=5, label="person"), a_span(7, 9)]
    boxes: Any = [Box(x=1.0, y=2.0, width=3.0, height=4.0, label="car"), a_box(5.0)]

    assert marks_of(spans) == (Mark(1, 0, 5, 1, "person"), Mark(7, 0, 9, 1, "person"))
    assert marks_of(boxes) == (Mark(1, 2, 4, 6, "car"), Mark(5, 0, 15, 10, "car"))
    assert marks_of("no marks") == marks_of(None) == marks_of(["no", "marks"]) == ()


def test_plain_marks_are_those_that_were_drawn() -> None:
    box: Any = {"x": 0.1, "y": 0.7, "width": 0.2, "height": 0.1, "label": "car"}

    assert marks_of([box])[0].plain("boxes") == box
    assert marks_of([a_span(3, 8)])[0].plain("spans") == a_span(3, 8)


@pytest.fixture(scope="module")
def crowd() -> tuple[TruthModel, dict[int, ItemJudgement], dict[int, ItemFacts]]:
    """Two people on each picture; four careful annotators, one who sees half and one who sees things."""
    rng, truth, items = random.Random(1), a_truth("boxes"), {}
    for number in range(150):
        right = [(rng.uniform(0, 400), "car" if rng.random() < 0.7 else "bike"), (rng.uniform(500, 900), "bike")]
        labels = {
            who: [
                a_box(x + rng.uniform(-1, 1), label=name if rng.random() < 0.95 else "car")
                for x, name in right
                if rng.random() < (0.5 if who == "blind" else 0.9)
            ]
            for who in ("w0", "w1", "w2", "w3", "blind", "seer")
        }
        labels["seer"].append(a_box(rng.uniform(1_000, 2_000)))
        labels = {who: labels[who] for who in rng.sample(sorted(labels), 4)}
        items[number] = facts(**labels)
    settled(truth, items)
    return truth, brought_to_rest(truth, items), items


def test_what_is_there_is_found_and_what_is_not_is_not(
    crowd: tuple[TruthModel, dict[int, ItemJudgement], dict[int, ItemFacts]],
) -> None:
    _, said, _ = crowd

    counts = [len(judgement.label) for judgement in said.values()]

    assert statistics.fmean(count == 2 for count in counts) > 0.9
    assert not any(mark["x"] > 1_000 for judgement in said.values() for mark in judgement.label)


def test_a_list_with_something_invented_is_doubted(
    crowd: tuple[TruthModel, dict[int, ItemJudgement], dict[int, ItemFacts]],
) -> None:
    _, said, items = crowd

    seen = [said[item].doubt(known.ballots[SEER].label) for item, known in items.items() if SEER in known.ballots]
    others = [
        said[item].doubt(known.ballots[CAREFUL].label) for item, known in items.items() if CAREFUL in known.ballots
    ]

    assert statistics.fmean(doubt > 0.9 for doubt in seen) > 0.95
    assert statistics.fmean(doubt > 0.9 for doubt in others) < 0.4


def test_accuracies_tell_who_misses_and_who_invents(
    crowd: tuple[TruthModel, dict[int, ItemJudgement], dict[int, ItemFacts]],
) -> None:
    truth, _, _ = crowd

    careful, blind, seer = (truth.accuracy(who) for who in ("w0", "blind", "seer"))

    assert careful is not None
    assert blind is not None
    assert seer is not None
    assert careful.value > 0.85 > max(blind.value, seer.value)
    assert blind.confusion["mark"]["missed"] > seer.confusion["mark"]["missed"]
    assert seer.confusion["mark"]["false"] > blind.confusion["mark"]["false"]


def test_a_list_that_nobody_gave_is_compared_by_place() -> None:
    truth = a_truth("spans")

    said = settled(truth, {"i": facts(**{f"w{who}": [a_span(0, 10)] for who in range(5)})})["i"]

    assert said.doubt([a_span(1, 10)]) == said.doubt([a_span(0, 10)]) < 0.3
    assert said.doubt([a_span(0, 10, "place")]) > 0.8
    assert said.doubt([a_span(0, 10), a_span(1, 10)]) == 1
    assert said.doubt([a_span(0, 10), a_span(70, 80)]) == 1
    assert said.doubt([]) > 0.8


def test_where_all_marked_nothing_there_is_nothing() -> None:
    truth = a_truth("boxes")

    said = settled(truth, {count: facts(**{f"w{who}": NOTHING for who in range(count)}) for count in (1, 3)})

    assert said[1].label == said[3].label == []
    assert (said[1].probability or 0) < 0.8 < (said[3].probability or 0)
    assert said[3].doubt([]) == pytest.approx(1 - (said[3].probability or 0), abs=1e-6)


def test_known_marks_are_the_truth() -> None:
    truth = a_truth("spans", overlap=False)
    known = [a_span(0, 10), a_span(5, 20, "place")]

    said = settled(
        truth, {"i": facts(known, w0=[a_span(0, 9)], w1=[a_span(50, 60)]), "j": facts([], w0=[a_span(0, 9)])}
    )

    assert said["i"].label == known
    assert said["i"].probability == 1
    assert said["i"].doubt([a_span(0, 9), a_span(5, 20, "place")]) == pytest.approx(0)
    assert said["i"].doubt([a_span(0, 9)]) == 1
    assert said["j"].label == []


def test_spans_that_may_not_overlap_do_not() -> None:
    labels = {
        "w0": [a_span(0, 30)],
        "w1": [a_span(0, 30)],
        "w2": [a_span(0, 12)],
        "w3": [a_span(0, 12), a_span(40, 50)],
    }
    free, apart = a_truth("spans"), a_truth("spans", overlap=False)
    for truth in (free, apart):
        settled(truth, {n: facts(**{who: [a_span(0, 9)] for who in labels}) for n in range(20)})

    one, other = settled(free, {"i": facts(**labels)})["i"], settled(apart, {"i": facts(**labels)})["i"]

    assert len(other.label) <= len(one.label)
    assert sum(mark["start"] == 0 for mark in other.label) <= 1


def test_new_labels_are_taken_over_and_other_kinds_refused() -> None:
    truth = a_truth("spans")

    truth.adopt(a_contract("spans", label={"values": ["person", "place", "new"]}))

    assert settled(truth, {"i": facts(w0=[a_span(1, 3, "new")])})["i"].label == [a_span(1, 3, "new")]
    with pytest.raises(TypeError):
        truth.adopt(a_contract())


def test_copied_marks_are_as_good_as_copying_has_proved() -> None:
    rng, truth, items = random.Random(1), a_truth("spans"), {}
    for number in range(150):
        start = rng.randrange(100)
        ballots: dict[str, GivenLabel] = {f"w{who}": GivenLabel([a_span(start, start + 10)]) for who in range(3)}
        wrong = rng.random() < 0.6
        at = 500 + start if wrong else start
        ballots["lazy"] = GivenLabel([a_span(at, at + 10)], copied=wrong)
        items[number] = ItemFacts(ballots)
    settled(truth, items)
    brought_to_rest(truth, items)

    said = settled(truth, {
        copied: ItemFacts({NEW: GivenLabel([]), LAZY: GivenLabel([a_span(0, 10)], copied=copied)})
        for copied in (True, False)
    })  # fmt: skip

    assert said[True].doubt([]) < said[False].doubt([]) - 0.1


def test_a_thousand_voters_on_one_item() -> None:
    rng, truth = random.Random(1), a_truth("boxes")

    drawn = {f"w{who}": [a_box(rng.random()), a_box(50 + rng.random())] for who in range(400)}
    said = settled(truth, {"i": facts(**drawn)})["i"]

    assert [mark["x"] for mark in said.label] == pytest.approx([0.5, 50.5], abs=0.1)
