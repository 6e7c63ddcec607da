import numpy as np
import pytest

from assay_models.consistency.training_data import (
    TrainingImpossible,
    TrainingVote,
    data_hash,
    gather,
    without_rare_labels,
)
from assay_schemas.annotation import ItemId
from tests.models.consistency.builders import a_history, an_observation


def two_classes() -> list[TrainingVote]:
    first = [an_observation(f"a{n}", "safe") for n in range(2)]
    return [*first, *(an_observation(f"b{n}", "scam", text="prize") for n in range(2))]


def test_votes_are_counted_per_item_and_class_in_the_order_asked_for() -> None:
    data = gather([*two_classes(), an_observation("a0", "scam")], labels=["scam", "safe"], folds=2)

    assert data.labels == ("scam", "safe")
    assert data.votes.tolist() == [[1, 1], [0, 1], [1, 0], [1, 0]]


def test_the_last_text_given_of_an_item_counts() -> None:
    changed = [an_observation("a0", text="New text"), an_observation("a0", text=None)]

    data = gather([*two_classes(), *changed], labels=["safe", "scam"], folds=2)

    assert data.texts == ("new text", "thanks", "prize", "prize")


def test_a_label_without_votes_gets_no_class_but_is_remembered() -> None:
    data = gather(two_classes(), labels=["safe", "rare", "scam"], folds=2)

    assert data.labels == ("safe", "scam")
    assert data.unseen_labels == ("rare",)


def test_missing_features_are_not_a_number() -> None:
    data = gather([*two_classes(), an_observation("b1", "scam", features=(1, 2))], labels=["safe", "scam"], folds=2)

    assert np.isnan(data.features).sum(axis=1).tolist() == [2, 2, 2, 0]


def test_the_hash_does_not_depend_on_order_but_on_every_field() -> None:
    history = a_history(items=6)

    assert data_hash(history) == data_hash(history[::-1])
    assert data_hash(history) != data_hash([*history[1:], an_observation(history[0].item, "other")])


@pytest.mark.parametrize(
    ("history", "folds", "reason"),
    [
        ([], 2, "at least 2 labels, here are 0"),
        (two_classes()[:2], 2, "at least 2 labels, here are 1"),
        (two_classes(), 1, "at least 2"),
        (two_classes(), 3, "'safe' was given to 2 items"),
        ([*two_classes(), an_observation("c", "other")], 2, "item 'c' has the label 'other'"),
        (
            [an_observation(f"{n}", "safe" if n % 2 else "scam", text=None) for n in range(9)],
            2,
            "no item has a text or",
        ),
        (
            [
                *two_classes(),
                *(an_observation(f"a{n}", features=(1.0, 2.0)[n:]) for n in range(2)),
                an_observation("a2", features=(1.0, 2.0)),
            ],
            2,
            "item 'a1' has 1 features where most have 2",
        ),
        (
            [*two_classes(), an_observation("a1", features=(float("inf"),))],
            2,
            "item 'a1' has a feature that is not",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_reason(
    history: list[TrainingVote], folds: int, reason: str
) -> None:
    with pytest.raises(TrainingImpossible, match=reason):
        gather(history, labels=["safe", "scam"], folds=folds)


def test_a_label_that_few_items_have_does_not_stop_the_others() -> None:
    votes = [TrainingVote(ItemId(f"i{n}"), "text", None, "ab"[n % 2]) for n in range(20)]
    rare = [TrainingVote(ItemId("i0"), "text", None, "question")] * 9

    kept, left_out = without_rare_labels([*votes, *rare], folds=5)

    assert kept == votes
    assert left_out == {"question": 1}
    assert gather(kept, labels=["a", "b", "question"], folds=5).labels == ("a", "b")
