"""The truth of labels that are one of a list, by name."""

import random
from typing import Any

import pytest

from assay_models.truth.categorical.annotator_index import COPIED, OWN, AnnotatorIndex
from assay_models.truth.categorical.label_adapter import LabelAdapter
from assay_models.truth.factory import CategoricalTruth
from assay_models.truth.truth_model import POOL, GivenLabel, ItemFacts, TruthModel
from assay_schemas.annotation import AnnotatorId
from tests.models.truth.labelled import PEOPLE, a_crowd, a_truth, brought_to_rest, facts, plain, settled
from tests.support.builders import a_contract

NAMES = ("safe", "adult", "scam")


def restored(truth: TruthModel, again: TruthModel, said: dict[Any, Any]) -> TruthModel:
    for item, known in a_crowd("categorical").items():
        again.put(item, known, stored=plain(said[item].stored))
    for who in PEOPLE:
        again.load_closed(who, plain(truth.dump_closed(who)))
    again.settle()
    return again


def test_labels_go_by_name_whatever_order_the_contract_lists_them_in() -> None:
    truth = a_truth("categorical")
    said = settled(truth, a_crowd("categorical"))

    again = restored(truth, a_truth("categorical", values=["new", *NAMES[::-1]]), said)

    new = {"i": facts(w0="safe", w1="safe", w5="scam")}
    one, other = settled(truth, new), settled(again, new)
    assert one["i"].label == other["i"].label == "safe"
    before, after = truth.accuracy("w3"), again.accuracy("w3")
    assert before is not None
    assert after is not None
    assert before.votes == after.votes
    assert before.confusion["safe"]["safe"] == pytest.approx(after.confusion["safe"]["safe"], abs=0.1)


def test_a_label_added_in_mid_stream_can_win() -> None:
    truth = a_truth("categorical")
    crowd = a_crowd("categorical")
    settled(truth, crowd)

    truth.adopt(a_contract(label={"values": ["hate", *NAMES]}))
    said = settled(truth, {"i": facts(w0="hate", w1="hate", w2="hate")} | crowd)

    assert said["i"].label == "hate"
    assert said["i"].doubt("safe") > 0.9
    assert said[0].label == "safe"
    found = truth.accuracy("w0")
    assert found is not None
    assert found.confusion["hate"]["hate"] > 0.9


def test_a_label_that_no_contract_knows_is_a_label_all_the_same() -> None:
    truth = a_truth("categorical")
    crowd = a_crowd("categorical")
    before = settled(truth, crowd)

    said = settled(truth, {"i": facts(w0="??", w1="safe"), "j": facts("!!", w0="safe")})

    assert said["i"].label in {"??", "safe"}
    assert said["j"].label == "!!"
    assert settled(truth, crowd)[0].label == before[0].label


def test_what_was_believed_of_a_label_that_the_contract_has_dropped_is_taken_up_with_the_rest() -> None:
    truth, crowd = a_truth("categorical"), {"i": facts(w0="safe", w1="adult")}
    said = settled(truth, crowd)
    again = a_truth("categorical", values=["safe", "adult"])

    again.put("i", crowd["i"], stored=plain(said["i"].stored))

    before, after = brought_to_rest(truth, crowd)["i"], brought_to_rest(again, crowd)["i"]
    assert after.probabilities == pytest.approx(before.probabilities, abs=0.01)
    assert "scam" in after.probabilities


def test_steps_of_a_short_scale_are_numbers_again() -> None:
    truth = CategoricalTruth(a_contract("ordinal", label={"low": 0, "high": 2, "step": 0.5}))

    said = settled(truth, {"i": facts(w0=1.5, w1=1.5, w2=2), "j": facts(w0=1.0, w1=1), "k": facts(w0="high")})

    assert said["i"].label == 1.5
    assert said["j"].label == 1
    assert said["i"].probabilities.keys() >= {"0", "0.5", "1", "1.5", "2"}
    assert said["i"].doubt(1.5) < said["i"].doubt(2) == said["i"].doubt(2.0)
    assert said["k"].label == "high"


def test_one_label_is_no_contest() -> None:
    truth = LabelAdapter(["safe"])

    said = settled(truth, {"i": facts(w0="safe", w1="safe")})["i"]

    assert said.label == "safe"
    assert said.probabilities.keys() == {"safe"}


def test_two_hundred_labels_keep_their_names_and_the_pool_its_errors() -> None:
    values = [f"l{number}" for number in range(200)]
    truth, again = a_truth("categorical", values=values), a_truth("categorical", values=values[::-1])
    items = {n: facts(w0=f"l{n % 200}", w1=f"l{n % 200}", w2=f"l{(n + n // 200) % 200}") for n in range(400)}
    settled(truth, items)
    for item in items:
        truth.close(item)

    for who in ("w0", "w1", "w2", POOL):
        again.load_closed(who, plain(truth.dump_closed(who)))

    one, other = (
        settled(truth, {"i": facts(w0="l7", w2="l8")})["i"],
        settled(again, {"i": facts(w0="l7", w2="l8")})["i"],
    )
    assert one.label == other.label == "l7"
    assert one.probability == pytest.approx(other.probability, abs=1e-3)
    found = again.accuracy("w2")
    assert found is not None
    assert found.votes == 401
    assert found.confusion["l7"]["l7"] == pytest.approx(1, abs=0.2)
    assert found.confusion["l7"][""] == pytest.approx(2, abs=0.2)  # once in "i"


def test_a_view_of_some_labels_leaves_the_rest_to_the_others() -> None:
    truth, ballots = a_truth("categorical"), {"w0": GivenLabel("safe"), "w1": GivenLabel("adult")}
    views = {
        "none": None,
        "for safe": {"safe": 0.9},
        "for adult": {"safe": 0.05, "adult": 0.9},
        "all": {"safe": 0.9, "adult": 0.06, "scam": 0.04},
        "of nothing known": {"nobody": 1.0},
    }

    said = settled(truth, {name: ItemFacts(ballots, None, view) for name, view in views.items()})

    assert said["for safe"].label == said["all"].label == "safe"
    assert said["for adult"].label == "adult"
    assert said["for safe"].probabilities["scam"] < said["none"].probabilities["scam"] + 0.01
    assert said["none"].probability == pytest.approx(said["of nothing known"].probability, abs=1e-6)


@pytest.fixture(scope="module")
def with_copied_prelabels() -> TruthModel:
    """Annotators who are right nine times in ten by themselves, and copy pre-labels that are right two in three."""
    rng, truth, items = random.Random(1), a_truth("categorical"), {}
    for number in range(300):
        right = rng.choice(NAMES)
        prelabel = right if rng.random() < 0.5 else rng.choice(NAMES)
        ballots = {}
        for who in rng.sample(range(6), 4):
            own = right if rng.random() < 0.9 else rng.choice(NAMES)
            lazy = who < 2 and rng.random() < 0.7
            label = prelabel if lazy else own
            ballots[f"w{who}"] = GivenLabel(label, copied=lazy)
        items[number] = ItemFacts(ballots)
    settled(truth, items)
    brought_to_rest(truth, items)
    return truth


def test_a_copied_vote_is_worth_what_copying_has_proved_worth(with_copied_prelabels: TruthModel) -> None:
    said = settled(
        with_copied_prelabels,
        {
            copied: ItemFacts(
                {AnnotatorId("w0"): GivenLabel("scam", copied=copied), AnnotatorId("w4"): GivenLabel("safe")}
            )
            for copied in (True, False)
        },
    )

    assert said[True].label == "safe"
    assert said[True].probabilities["safe"] > said[False].probabilities["safe"] + 0.15


def test_who_copies_is_as_reliable_as_all_their_votes_are(with_copied_prelabels: TruthModel) -> None:
    lazy, diligent = with_copied_prelabels.accuracy("w0"), with_copied_prelabels.accuracy("w4")
    counts = plain(with_copied_prelabels.learned("w0"))

    assert lazy is not None
    assert diligent is not None
    assert lazy.value < diligent.value - 0.05
    assert lazy.votes == round(sum(votes for way in (OWN, COPIED) for *_, votes in counts[way]))


def test_one_partition_knows_what_two_have_told_each_other() -> None:
    crowd = a_crowd("categorical", items=60)
    halves = [{n: known for n, known in crowd.items() if n % 2 == half} for half in range(2)]
    whole, one, other = (a_truth("categorical") for _ in range(3))
    settled(whole, crowd)
    settled(one, halves[0])
    settled(other, halves[1])

    for _ in range(5):
        for here, there in ((one, other), (other, one)):
            for who in PEOPLE:
                here.set_remote_counts(who, [plain(there.learned(who))])
        brought_to_rest(one, halves[0], rounds=3)
        brought_to_rest(other, halves[1], rounds=3)

    expected = brought_to_rest(whole, crowd)
    found = brought_to_rest(one, halves[0]) | brought_to_rest(other, halves[1])
    assert all(found[item].label == expected[item].label for item in crowd)
    assert all(found[item].probability == pytest.approx(expected[item].probability, abs=0.02) for item in crowd)


def test_an_annotator_has_a_number_for_each_way_to_a_label() -> None:
    annotators = AnnotatorIndex()

    numbers = [annotators.number("w0", OWN), annotators.number("w1", OWN), annotators.number("w0", COPIED)]

    assert numbers == [0, 1, 2]
    assert annotators.number("w1", OWN) == 1
    assert annotators.ways("w0") == {OWN: 0, COPIED: 2}
    assert annotators.ways("nobody") == {}
    assert annotators.name(2) == ("w0", COPIED)
    assert len(annotators) == 3
