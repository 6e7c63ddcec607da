"""Pairwise labels are classes: a side bias shows in the confusion, and is discounted."""

import random

import pytest

from assay_models.truth.truth_model import TruthModel
from tests.models.truth.labelled import a_truth, brought_to_rest, facts, settled

SIDES = ("left", "right")


@pytest.fixture(scope="module")
def with_a_left_biased_annotator() -> TruthModel:
    """Three annotators are right nine times in ten; `lefty` says right only where it is, and then one time in five."""
    rng, truth = random.Random(1), a_truth("pairwise", ties=False)
    items = {}
    for number in range(300):
        right = rng.choice(SIDES)
        said = {f"w{who}": right if rng.random() < 0.8 else rng.choice(SIDES) for who in range(3)}
        items[number] = facts(**said, lefty="right" if right == "right" and rng.random() < 0.2 else "left")
    settled(truth, items)
    brought_to_rest(truth, items)
    return truth


def test_the_bias_shows_in_the_confusion(with_a_left_biased_annotator: TruthModel) -> None:
    found = with_a_left_biased_annotator.accuracy("lefty")

    assert found is not None
    assert found.confusion["left"]["left"] > 0.9 * sum(found.confusion["left"].values())
    assert found.confusion["right"]["left"] > 0.7 * sum(found.confusion["right"].values())


def test_left_from_the_left_biased_says_nothing_and_right_says_a_lot(with_a_left_biased_annotator: TruthModel) -> None:
    said = settled(
        with_a_left_biased_annotator,
        {
            "alone": facts(w0="right"),
            "left against": facts(w0="right", lefty="left"),
            "right with": facts(w0="right", lefty="right"),
            "left against two": facts(w0="right", w1="right", lefty="left"),
        },
    )

    assert said["left against"].label == "right"
    assert said["left against"].probabilities["right"] > said["alone"].probabilities["right"] - 0.1
    assert said["right with"].probabilities["right"] > said["alone"].probabilities["right"]
    assert said["left against two"].probabilities["right"] > 0.8


def test_a_tie_is_a_label_of_its_own() -> None:
    truth = a_truth("pairwise")

    said = settled(truth, {number: facts(w0="tie", w1="tie", w2="left") for number in range(20)})

    assert said[3].label == "tie"
