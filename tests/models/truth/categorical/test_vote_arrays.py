import numpy as np

from assay_models.truth.categorical.vote_arrays import ballots_of


def test_votes_are_laid_out_item_by_item() -> None:
    ballots = ballots_of([{7: 1, 3: 0}, {}, {7: 2}])

    assert ballots.count == 3
    assert ballots.row.tolist() == [0, 0, 2]
    assert ballots.annotator.tolist() == [7, 3, 7]
    assert ballots.label.tolist() == [1, 0, 2]
    assert ballots.sizes().tolist() == [2, 0, 1]


def test_a_vote_counts_whole_unless_its_annotator_is_named_among_the_weights() -> None:
    ballots = ballots_of([{7: 1, 3: 0}, {7: 2}], [{3: 0.25}, None])

    assert ballots.share.tolist() == [1, 0.25, 1]
    assert ballots.sizes().tolist() == [1.25, 1]


def test_no_items_are_no_votes() -> None:
    ballots = ballots_of([])

    assert ballots.count == 0
    assert ballots.per_item(np.zeros((0, 2))).shape == (0, 2)
