"""The truth of sets of labels: beside the promises of every kind, how well it does."""

import random
import statistics
from typing import NamedTuple

import pytest

from assay_models.truth.multilabel.binary_questions import Certainty, accuracy_of, certainty_of, probability_all_correct
from assay_models.truth.multilabel.omissions import OmissionCounts
from assay_models.truth.truth_model import POOL, GivenLabel, ItemFacts, ItemJudgement, TruthModel
from tests.models.truth.labelled import LAZY, MANY, NEW, a_truth, brought_to_rest, facts, plain, settled
from tests.support.builders import a_contract


class Crowd(NamedTuple):
    truths: dict[int, set[str]]
    items: dict[int, ItemFacts]
    faults: dict[str, float]


def a_crowd(*, items: int = 600, voters: int = 3, annotators: int = 20, seed: int = 1) -> Crowd:
    """Labels from one item in three to one in twenty; annotators who miss 5-40 % and invent up to half a label."""
    rng = random.Random(seed)
    shares = [0.33 / (place / 2 + 1) for place in range(len(MANY))]
    missing = {f"w{who}": rng.uniform(0.05, 0.4) for who in range(annotators)}
    inventing = {f"w{who}": rng.uniform(0.0, 0.5) ** 2 * 2 for who in range(annotators)}
    truths, known = {}, {}
    for item in range(items):
        truths[item] = {label for label, share in zip(MANY, shares, strict=True) if rng.random() < share}
        ballots = {}
        for who in rng.sample(sorted(missing), voters):
            given = {label for label in sorted(truths[item]) if rng.random() > missing[who]}
            given |= {rng.choice(MANY)} if rng.random() < inventing[who] else set()
            ballots[who] = GivenLabel(sorted(given))
        known[item] = ItemFacts(ballots)
    wanted = statistics.fmean(len(truth) for truth in truths.values())
    return Crowd(truths, known, {who: missing[who] * wanted + inventing[who] for who in missing})


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    return a_crowd()


@pytest.fixture(scope="module")
def told(crowd: Crowd) -> tuple[TruthModel, dict[int, ItemJudgement]]:
    truth = a_truth("multilabel")
    for start in range(0, len(crowd.items), 100):
        truth.sweep(100)
        settled(truth, {item: crowd.items[item] for item in range(start, start + 100)})
    return truth, brought_to_rest(truth, crowd.items)


def given(ballot: GivenLabel) -> set[str]:
    assert isinstance(ballot.label, list)
    return {str(label) for label in ballot.label}


def f1(said: dict[int, set[str]], truths: dict[int, set[str]]) -> float:
    right = sum(len(said[item] & truths[item]) for item in truths)
    return 2 * right / sum(len(said[item]) + len(truths[item]) for item in truths)


def test_labels_are_found_better_than_by_majority(
    crowd: Crowd, told: tuple[TruthModel, dict[int, ItemJudgement]]
) -> None:
    _, said = told
    majority = {
        item: {label for label in MANY if sum(label in given(ballot) for ballot in known.ballots.values()) >= 2}
        for item, known in crowd.items.items()
    }

    found = {item: set(judgement.label) for item, judgement in said.items()}

    assert f1(found, crowd.truths) > f1(majority, crowd.truths)


def test_doubted_lists_are_wrong(crowd: Crowd, told: tuple[TruthModel, dict[int, ItemJudgement]]) -> None:
    _, said = told

    wrong = [
        given(ballot) != crowd.truths[item]
        for item, known in crowd.items.items()
        for ballot in known.ballots.values()
        if said[item].doubt(ballot.label) >= 0.95
    ]

    assert len(wrong) > 50
    assert statistics.fmean(wrong) > 0.95


def test_accuracies_rank_the_annotators(crowd: Crowd, told: tuple[TruthModel, dict[int, ItemJudgement]]) -> None:
    truth, _ = told

    found = {who: truth.accuracy(who) for who in crowd.faults}

    accuracies = [one.value for one in found.values() if one is not None]
    assert len(accuracies) == len(crowd.faults)
    assert statistics.correlation(accuracies, list(crowd.faults.values())) < -0.8
    one = found["w3"]
    assert one is not None
    assert one.low < one.value < one.high
    assert {"given", "missed", "false"} == set(one.confusion["l0"])
    assert one.votes > sum(sum(cells.values()) for cells in one.confusion.values())  # the rest was rightly left out


def test_a_rare_label_that_one_of_three_gives_is_hardly_believed(
    told: tuple[TruthModel, dict[int, ItemJudgement]],
) -> None:
    truth, _ = told

    said = settled(truth, {"i": facts(w1=["l11"], w2=[], w3=[]), "j": facts(w1=["l0"], w2=["l0"], w3=[])})

    assert said["i"].probabilities["l11"] < 0.4
    assert said["j"].probabilities["l0"] > 0.7


def test_an_empty_list_is_surer_the_more_voters_give_it() -> None:
    truth = a_truth("multilabel")

    said = settled(truth, {count: facts(**{f"w{who}": [] for who in range(count)}) for count in (1, 2, 3)})

    assert [judgement.label for judgement in said.values()] == [[], [], []]
    assert 0.7 < (said[1].probability or 0) < 0.8 < (said[2].probability or 0) < (said[3].probability or 0) < 0.98
    assert said[1].gain == 0


def test_what_nobody_gave_is_wrong_for_sure() -> None:
    truth = a_truth("multilabel")

    said = settled(truth, {"i": facts(w0=["l1"], w1=["l1"])})["i"]

    assert said.doubt(["l1", "l2"]) == 1
    assert said.doubt(["l1"]) < said.doubt([])


def test_a_known_list_is_the_truth_whatever_the_contract_allows() -> None:
    truth = a_truth("multilabel", max_count=1)

    said = settled(truth, {"i": facts(["l1", "l2"], w0=["l3"], w1=["l1", "l2"]), "j": facts([], w0=["l3"])})

    assert said["i"].label == ["l1", "l2"]
    assert said["i"].probability == 1
    assert said["i"].doubt(["l1", "l2"]) == 0
    assert said["j"].label == []
    assert said["j"].doubt(["l3"]) == 1


def test_there_are_as_many_labels_as_the_contract_allows() -> None:
    truth = a_truth("multilabel", min_count=1, max_count=1)

    said = settled(truth, {"many": facts(w0=["l1", "l2"], w1=["l1", "l2"]), "few": facts(w0=["l3"], w1=[], w2=[])})
    truth.adopt(a_contract("multilabel", label={"values": MANY, "max_count": 2}))

    assert len(said["many"].label) == len(said["few"].label) == 1
    assert settled(truth, {"many": facts(w0=["l1", "l2"], w1=["l1", "l2"])})["many"].label == ["l1", "l2"]
    with pytest.raises(TypeError):
        truth.adopt(a_contract())


def test_a_list_copied_from_the_machine_is_as_good_as_copying_has_proved() -> None:
    rng, truth = random.Random(2), a_truth("multilabel")
    items = {}
    for item in range(200):
        right = [rng.choice(MANY[:4])]
        ballots = {f"w{who}": GivenLabel(right) for who in range(3)}
        copied = rng.random() < 0.5
        ballots["lazy"] = GivenLabel([rng.choice(MANY[:4])] if copied else right, copied=copied)
        items[item] = ItemFacts(ballots)
    settled(truth, items)
    brought_to_rest(truth, items)

    said = settled(truth, {
        copied: ItemFacts({NEW: GivenLabel([]), LAZY: GivenLabel(["l1"], copied=copied)})
        for copied in (True, False)
    })  # fmt: skip

    assert said[True].probabilities["l1"] < said[False].probabilities["l1"] - 0.1


def test_every_label_has_its_turn_in_sweeps_of_any_size(crowd: Crowd) -> None:
    truth, other = a_truth("multilabel"), a_truth("multilabel")
    settled(truth, crowd.items)
    settled(other, crowd.items)

    for _ in range(20):
        other.sweep(len(crowd.items))
    for _ in range(20 * 24):
        truth.sweep(len(crowd.items) // 20)

    one, another = settled(truth, crowd.items), settled(other, crowd.items)
    far = [item for item in one if one[item].probability != pytest.approx(another[item].probability, abs=0.05)]
    assert len(far) < 6


def test_two_hundred_labels() -> None:
    rng, values = random.Random(1), [f"l{number}" for number in range(200)]
    truth = a_truth("multilabel", values=values)
    rights = [rng.sample(values, 2) for _ in range(300)]
    items = {item: facts(w0=right, w1=right, w2=right[:1]) for item, right in enumerate(rights)}

    said = settled(truth, items)

    assert all(len(judgement.probabilities) == 2 for judgement in said.values())
    found = [judgement.label == sorted(right) for judgement, right in zip(said.values(), rights, strict=True)]
    assert statistics.fmean(found) > 0.5  # from nothing, in one look
    assert len(plain(truth.learned("w0"))["labels"]) > 150


def test_the_pool_is_nobody(crowd: Crowd) -> None:
    truth = a_truth("multilabel")
    settled(truth, {1: crowd.items[1]})

    assert truth.accuracy(POOL) is None


def test_silence_is_counted_in_rough_numbers_and_taken_back() -> None:
    silences = OmissionCounts()
    for _ in range(100):
        silences.count([7], [])
    silences.count([7, 8], ["l1"])

    assert silences.of(7, "l1") == pytest.approx(100, rel=0.25)
    assert silences.of(8, "l1") == 0
    assert silences.asked("l1") == [7, 8]
    assert silences.asked("l2") == []
    silences.load(7, 50, {"l1": 50})
    assert silences.of(7, "l1") == pytest.approx(100, rel=0.25)
    silences.load(7, 150, {"l1": 50}, sign=-1)
    assert silences.ballots(7) == 1
    assert silences.of(7, "l1") == 0


def test_what_everybody_sees_wrongly_counts_once_per_item() -> None:
    certainty = Certainty(0.06, 1.0)
    sides = [certainty_of(0.97, 0.06)] * 4

    assert probability_all_correct(sides, certainty) == pytest.approx(0.94 + 0.06 / 16)  # not 0.97 ** 4 = 0.885
    assert probability_all_correct([], certainty) == pytest.approx(0.97)
    assert probability_all_correct([0.5], Certainty(0.0, 0.9)) == pytest.approx(0.45)


def test_who_never_answered_has_no_accuracy() -> None:
    assert accuracy_of({}) is None
    assert accuracy_of({"l1": []}) is None
