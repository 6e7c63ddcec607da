"""The model on texts and votes of real people; see ../shared/data/README.md."""

import csv
from pathlib import Path

import pytest

from assay_models.consistency.trainer import fit_model
from assay_models.consistency.training_data import TrainingVote

CONVABUSE = Path(__file__).parents[3] / "../shared/data/convabuse/annotations.csv"


@pytest.mark.skipif(not CONVABUSE.exists(), reason="the data sets of ../shared/data are not on this machine")
def test_abuse_towards_chatbots_is_learned_and_planted_errors_are_found() -> None:
    with CONVABUSE.open(newline="") as lines:
        history = [TrainingVote(r["item"], r["text"], None, r["label"]) for r in csv.DictReader(lines)]

    card = fit_model(history, labels=["0", "1"], seed=1).card

    assert (card.data.item_count, card.data.vote_count) == (4_185, 12_768)
    assert (card.figures.accuracy_low or 0) > 0.9 > (card.figures.majority_share or 1)
    assert (card.figures.planted_error_auroc or 0) > card.figures.planted_error_baseline_auroc + 0.05
    assert card.figures.calibration_error < 0.02
    assert max(each.flagged_share for each in card.classes) <= 0.1
