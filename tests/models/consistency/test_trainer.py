import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from assay_models.consistency.cross_validation import auroc_of, plant_errors
from assay_models.consistency.linear_model import deal_folds, design_of, fit_linear, matrix_of, measure, weights_of
from assay_models.consistency.onnx_export import build_graph
from assay_models.consistency.onnx_scorer import scorer_of
from assay_models.consistency.text_features import Vocabulary, count_terms, learn_vocabulary
from assay_models.consistency.trainer import fit_model
from assay_models.consistency.training_data import TrainingImpossible, TrainingVote, gather
from tests.models.consistency.builders import LABELS, a_description, a_history, a_model, an_observation

BOTH = a_history(features=True, missing_every=7)


def test_the_model_learns_what_the_words_say() -> None:
    figures = a_model().card.figures

    assert (figures.accuracy or 0) > 0.95
    assert (figures.accuracy_low or 1) < (figures.accuracy or 0) <= (figures.accuracy_high or 0)
    assert figures.majority_share == pytest.approx(1 / 3, abs=0.05)
    assert figures.calibration_error < 0.1


def test_planted_label_errors_are_found_better_than_by_guessing() -> None:
    figures = a_model().card.figures

    assert figures.planted_error_count == 27
    assert (figures.planted_error_auroc or 0) > 0.9 > figures.planted_error_baseline_auroc + 0.3


def test_the_card_says_what_went_in() -> None:
    card = fit_model(BOTH, labels=[*LABELS, "rare"], seed=3, folds=4, created_with="test").card

    assert (card.data.item_count, card.data.vote_count, card.data.unseen_labels) == (90, 270, ("rare",))
    assert [each.label for each in card.classes] == list(LABELS)
    assert sum(each.vote_count for each in card.classes) == 270
    assert (card.fit.uses_text, card.fit.feature_count, card.fit.fold_count, card.fit.seed) == (True, 2, 4, 3)
    assert card.created_with == "test"
    assert set(card.versions) == {"numpy", "onnx", "scipy", "sklearn"}


def test_the_same_seed_gives_the_same_bytes_and_another_order_of_annotators_too() -> None:
    history = a_history()
    swapped = [vote for start in range(0, len(history), 3) for vote in history[start : start + 3][::-1]]

    assert a_model(history) == a_model(history) == a_model(swapped)


def test_one_vote_per_item_is_enough() -> None:
    figures = a_model(a_history()[::3]).card.figures

    assert figures.accuracy_item_count == 90
    assert (figures.accuracy or 0) > 0.8


def test_another_seed_deals_other_folds() -> None:
    assert a_model(seed=1).card.figures != a_model(seed=2).card.figures


@pytest.mark.parametrize("labels", [LABELS[:2], LABELS])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize(("texts", "features"), [(True, False), (False, True), (True, True)])
def test_the_graph_equals_scikit_learn(
    labels: tuple[str, ...], temperature: float, *, texts: bool, features: bool
) -> None:
    history = a_history(labels=labels, texts=texts, features=features, missing_every=7)
    data = gather(history, labels=labels, folds=3)
    design = design_of(data)
    scaling = measure(design, np.arange(len(data.votes)))
    inputs = matrix_of(design, scaling)
    rows, classes = np.nonzero(data.votes)
    reference = LogisticRegression(C=1.0, max_iter=300).fit(
        inputs[rows], classes, sample_weight=data.votes[rows, classes]
    )
    expected = reference.predict_proba(inputs) ** (1 / temperature)
    expected /= expected.sum(axis=1, keepdims=True)

    weights = weights_of(
        design, scaling, *fit_linear(inputs, data.votes, inverse_regularisation=1.0), temperature=temperature
    )
    description = a_description(
        labels=labels, thresholds=[0] * len(labels), uses_text=texts, feature_count=2 * features
    )
    scorer = scorer_of(build_graph(weights, metadata=description))
    by_item = {o.item: o for o in history}
    items = [by_item[item] for item in sorted(by_item)]
    found = scorer.probabilities([o.text for o in items], [o.features for o in items])

    assert found == pytest.approx(expected, abs=1e-9)


def test_two_votes_weigh_as_much_as_two_rows() -> None:
    inputs = np.array([[1.0], [0.0]])
    votes = np.array([[2.0, 1.0], [1.0, 2.0]])

    weighted, _ = fit_linear(csr_array(inputs), votes, inverse_regularisation=1.0)
    repeated = LogisticRegression(C=1.0).fit([[1], [1], [1], [0], [0], [0]], [0, 0, 1, 0, 1, 1])

    assert weighted[:, 1] == pytest.approx(repeated.coef_[0], abs=1e-4)


def test_no_item_is_split_and_every_class_is_in_every_fold() -> None:
    data = gather(a_history(), labels=LABELS, folds=3)

    fold_of = deal_folds(data.votes, folds=3, rng=np.random.default_rng(0))

    assert fold_of.shape == (90,)
    assert np.bincount(fold_of).tolist() == [30, 30, 30]
    assert all(data.votes[fold_of == fold].any(axis=0).all() for fold in range(3))


def test_planting_moves_the_share_of_votes_and_keeps_their_number() -> None:
    votes = np.array([[3.0, 0.0, 1.0], [0.0, 5.0, 0.0], [1.0, 0.0, 0.0]])

    noisy, planted = plant_errors(votes, share=0.3, rng=np.random.default_rng(0))

    assert planted.sum() == 3
    assert noisy.sum(axis=1).tolist() == votes.sum(axis=1).tolist()
    assert noisy.min() >= 0
    assert (noisy - planted).min() >= 0


def test_planting_moves_at_least_one_vote() -> None:
    assert plant_errors(np.array([[1.0, 1.0]]), share=0.0, rng=np.random.default_rng(0))[1].sum() == 1


def test_the_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    # Moved: one vote at .2. Left alone: two at .8, one at .2 (a tie: half), one at .1 (wrong): 2.5 of 4.
    probabilities = np.array([[0.8, 0.2], [0.9, 0.1]])
    noisy = np.array([[2.0, 2.0], [0.0, 1.0]])
    moved = np.array([[0.0, 1.0], [0.0, 0.0]])

    assert auroc_of(probabilities, noisy, moved) == pytest.approx(2.5 / 4)


def test_items_all_tied_leave_the_accuracy_undefined() -> None:
    history = [an_observation(f"i{n}", label, text="same words") for n in range(4) for label in ("safe", "scam")]

    figures = a_model(history, labels=["safe", "scam"]).card.figures

    assert (figures.accuracy, figures.accuracy_low, figures.majority_share) == (None, None, None)
    assert figures.accuracy_item_count == 0


def a_tight_history() -> list[TrainingVote]:
    """Class c stands beside a and beside b only, so that chance may put both of its items into one fold."""
    lone = [an_observation(f"{label}{n}", label, text="same") for label in "ab" for n in range(2)]
    return [*lone, an_observation("a0", "c", text="same"), an_observation("b0", "c", text="same")]


def test_a_class_in_one_fold_only_is_refused_with_what_to_do() -> None:
    with pytest.raises(TrainingImpossible, match="try another seed"):
        fit_model(a_tight_history(), labels="abc", seed=1, folds=2)


def test_the_planted_auroc_is_undefined_where_planting_empties_a_class() -> None:
    history = [an_observation(f"{label}{n}", label, text="same") for label in "ab" for n in range(2)]

    found = [fit_model(history, labels="ab", seed=seed, folds=2).card.figures.planted_error_auroc for seed in range(8)]

    assert None in found


def test_words_that_occur_once_only_are_no_ground_for_a_model() -> None:
    history = [an_observation(f"i{n}", "safe" if n % 2 else "scam", text=f"word{n}") for n in range(8)]

    with pytest.raises(TrainingImpossible, match="no word occurs in the texts of two items"):
        a_model(history)


def test_words_that_occur_once_only_leave_a_model_of_features() -> None:
    history = [
        an_observation(f"i{n}", "safe" if n % 2 else "scam", text=f"word{n}", features=(n % 2, 5.0)) for n in range(20)
    ]

    card = a_model(history).card

    assert not card.fit.uses_text
    assert card.figures.accuracy == 1


def test_a_feature_too_large_to_average_is_refused() -> None:
    history = [an_observation(f"i{n}", "safe" if n % 2 else "scam", features=(1.0, 1.7e308)) for n in range(8)]

    with pytest.raises(TrainingImpossible, match="feature 2"):
        a_model(history)


def test_pairs_are_known_only_of_known_words() -> None:
    vocabulary = learn_vocabulary(["a b c", "a b d", "b a"], classes=2)

    assert vocabulary == Vocabulary(("a", "b"), (("a", "b"),))
    assert count_terms(["a b a b x", "", "b"], vocabulary).toarray().tolist() == [
        [2, 2, 2],
        [0, 0, 0],
        [0, 1, 0],
    ]


def test_texts_of_single_words_make_a_model_without_pairs() -> None:
    history = [an_observation(f"i{n}", "safe" if n % 2 else "scam", text="yes" if n % 2 else "no") for n in range(12)]

    probabilities = scorer_of(a_model(history).onnx).probabilities(["yes", "no", "no yes"], [None] * 3)

    assert probabilities[0, 0] > 0.5 > probabilities[1, 0]
