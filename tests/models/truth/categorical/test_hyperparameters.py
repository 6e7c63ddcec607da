import numpy as np
import pytest

from assay_models.truth.categorical.batch_em import fit
from assay_models.truth.categorical.confusion_counts import UNITS
from assay_models.truth.categorical.e_step import Posteriors, judge
from assay_models.truth.categorical.hyperparameters import (
    GRIDS,
    NOTHING,
    PredictiveEvidence,
    learn,
    rates_of,
    scores,
    weigh,
    weigh_gold,
    weighed,
)
from assay_models.truth.categorical.posterior import Learned
from assay_models.truth.categorical.vote_arrays import ballots_of
from tests.models.truth.crowds import Crowd, a_crowd

ACCURACY, ERRORS, CORRELATION, VOICE = range(4)


def judged(
    crowd: Crowd, *, classes: int = 2, view: np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None = None
) -> Posteriors:
    ballots = ballots_of(crowd.votes)
    found = fit(ballots, classes, learned=Learned())
    mine = np.rint(found.responsibilities * UNITS).astype(np.int64)
    return judge(ballots, found.tally, Learned().strengths, mine=mine, view=view)


def weighed_of(found: Posteriors) -> PredictiveEvidence:
    return weighed(weigh(found, Learned()))


def test_without_evidence_everything_stays_as_it_began() -> None:
    assert learn(Learned(), NOTHING) == Learned()


def test_a_vote_is_predicted_from_the_other_votes_alone() -> None:
    # Two votes for 0 by two strangers: from the other vote alone, p(0) = .7 (flat prior), so this vote has
    # .7 * .7 + .3 * .3 = .58, twice.
    found = judge(ballots_of([{0: 0, 1: 0}]), fit(ballots_of([]), 2).tally, Learned().strengths)

    assert scores(found, rates_of(found, Learned().strengths), Learned(correlation=0.0)) == pytest.approx(
        [2 * np.log(0.58)]
    )


def test_a_value_must_predict_clearly_better_to_be_taken() -> None:
    def believing(nats: float) -> Learned:
        gains = list(NOTHING.gains)
        gains[CORRELATION] = (0.0,) * 9 + (nats,)
        return learn(Learned(), PredictiveEvidence(tuple(gains), 0.0, 0))

    first, best = Learned().correlation, GRIDS[CORRELATION].values[9]
    assert believing(1.0).correlation == pytest.approx(first, abs=0.02)
    assert first + 0.1 < believing(5.0).correlation < best
    assert believing(12.0).correlation == pytest.approx(best, abs=0.01)


def test_evidence_of_partitions_adds_up() -> None:
    one = weighed_of(judged(a_crowd(classes=2, seed=1)))
    other = weighed_of(judged(a_crowd(classes=2, seed=2)))

    both = one.plus(other)

    assert both.gains[ACCURACY] == pytest.approx(np.add(one.gains[ACCURACY], other.gains[ACCURACY]))


def test_how_errors_fall_is_asked_only_where_there_is_more_than_one_error() -> None:
    two, three, many = (
        weighed_of(judged(a_crowd(classes=classes), classes=classes)).gains[ERRORS] for classes in (2, 3, 20)
    )

    assert not any(two)
    assert any(three)
    assert not any(many)


def test_a_model_that_knows_is_listened_to_and_one_that_does_not_is_not() -> None:
    crowd = a_crowd(items=500, classes=2, per_item=3, accuracies=(0.7,) * 10)
    rng = np.random.default_rng(99)
    knowing = np.where(np.eye(2)[crowd.truth] > 0, 0.9, 0.1)
    guessing = np.where(np.eye(2)[rng.integers(2, size=500)] > 0, 0.95, 0.05)

    voices = [learn(Learned(), weighed_of(judged(crowd, view=view))).voice for view in (knowing, guessing)]

    assert voices[0] >= 0.75
    assert voices[1] < 0.01


def test_votes_that_repeat_each_other_are_found_out() -> None:
    rng = np.random.default_rng(99)
    crowd = a_crowd(items=600, classes=2, per_item=10, accuracies=(0.85,) * 12)
    lured = [
        {a: int(rng.random() < share) for a in each}
        for each, share in zip(crowd.votes, rng.beta(0.7, 0.7, 600).tolist(), strict=True)
    ]

    alone = learn(Learned(), weighed_of(judged(crowd))).correlation
    together = learn(Learned(), weighed_of(judged(crowd._replace(votes=lured)))).correlation

    assert alone < together


def test_gold_items_that_the_votes_get_wrong_teach_doubt() -> None:
    surely_zero = np.array([[0.999, 0.001]] * 100)

    confirmed = learn(Learned(), weigh_gold(surely_zero, np.zeros(100, np.int64), Learned()))
    refuted = learn(Learned(), weigh_gold(surely_zero, np.repeat([0, 1], 50), Learned()))

    assert confirmed.lapse < Learned().lapse < refuted.lapse
