"""Truth inference over all annotations at once."""

import random

import pytest

from assay_models.truth.inference import infer_truth
from assay_schemas.contract.label_contract import LabelContract

TRUTH = {number: ("yes", "no")[number % 2] for number in range(60)}
ACCURACIES = {"good": 0.95, "fair": 0.8, "poor": 0.6}


def a_crowd() -> list[tuple[int, str, str]]:
    rng = random.Random(5)
    return [
        (item, annotator, right if rng.random() < accuracy else ("yes" if right == "no" else "no"))
        for item, right in TRUTH.items()
        for annotator, accuracy in ACCURACIES.items()
    ]


def test_most_items_get_their_true_label_and_annotators_are_ranked_by_their_accuracy() -> None:
    found = infer_truth(a_crowd())

    right = sum(found.items[item].label == label for item, label in TRUTH.items())
    ranked = sorted(found.annotators, key=lambda name: -found.annotators[name].value)
    assert right >= 48
    assert ranked == ["good", "fair", "poor"]


def test_gold_settles_an_item() -> None:
    found = infer_truth([("i", "ada", "yes"), ("i", "bo", "yes"), ("j", "ada", "no")], gold={"i": "no"})

    assert found.items["i"].label == "no"
    assert found.items["i"].probability == pytest.approx(1, abs=0.01)


def test_the_contract_says_what_kind_of_label_it_is() -> None:
    contract = LabelContract.model_validate(
        {"project": "p", "version": 1, "label": {"kind": "multilabel", "values": ["a", "b"]}}
    )

    found = infer_truth([("i", "ada", ["a"]), ("i", "bo", ["a"]), ("i", "cy", ["a", "b"])], contract=contract)

    assert found.items["i"].label == ["a"]


def test_the_search_ends_although_posteriors_still_move() -> None:
    found = infer_truth(a_crowd(), most_rounds=1)

    assert set(found.items) == set(TRUTH)


def test_without_annotations_there_is_nothing() -> None:
    found = infer_truth([])

    assert (dict(found.items), dict(found.annotators)) == ({}, {})
