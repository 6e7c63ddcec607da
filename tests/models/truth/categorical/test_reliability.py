import pytest

from assay_models.truth.categorical.confusion_counts import OTHER, ConfusionCounts
from assay_models.truth.categorical.emission import pool_of
from assay_models.truth.categorical.reliability import reliability_of

POOL = pool_of(ConfusionCounts(2))


def test_nobody_knows_a_stranger() -> None:
    found = reliability_of((), POOL)

    assert found.accuracy == pytest.approx(0.7)
    assert found.votes == 0
    assert found.low < 0.2
    assert found.high > 0.98


def test_one_right_vote_does_not_make_an_expert() -> None:
    # (1 + 2 * .7) / (1 + 2) = .8
    found = reliability_of(((0, 0, 1.0),), POOL)

    assert found.accuracy == pytest.approx(0.8)
    assert found.low < 0.35


def test_many_votes_speak_for_themselves() -> None:
    found = reliability_of(((0, 0, 450.0), (0, 1, 50.0), (1, 1, 450.0), (1, OTHER, 50.0)), POOL)

    assert found.votes == 1000
    assert found.low < found.accuracy < found.high
    assert found.accuracy == pytest.approx(0.9, abs=0.001)
    assert found.high - found.low < 0.04
