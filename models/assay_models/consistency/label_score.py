"""The score of one label, from a consistency model's probabilities."""

from collections.abc import Sequence
from typing import NamedTuple

from assay_models.consistency.classes import class_name, number_of
from assay_schemas.annotation import Label


class Score(NamedTuple):
    """The model's score of a label: a `ModelScore`, cheap enough to make for every annotation."""

    label_probability: float
    predicted: Label
    predicted_probability: float
    below_threshold: bool


def score(
    row_probabilities: Sequence[float],
    label: Label | None,
    *,
    labels: Sequence[str],
    thresholds: Sequence[float],
    flag_below: float | None = None,
) -> Score | None:
    """Return the model's score of one label, or None if the label is not one of the model's classes.

    `row_probabilities` is one row of `OnnxScorer.probabilities` (plain floats are fastest: `.tolist()`), `labels` and
    `thresholds` are the scorer's; `flag_below` replaces all thresholds. The prediction has the label's own type: a
    number for a number. Probabilities are rounded to 6 decimals.
    """
    name = label if type(label) is str else class_name(label)
    try:
        place = labels.index(name)
    except ValueError:
        return None
    probability = row_probabilities[place]
    best = max(row_probabilities)
    predicted = labels[row_probabilities.index(best)]
    below = probability < (thresholds[place] if flag_below is None else flag_below)
    return Score(_rounded(probability), predicted if name is label else number_of(predicted), _rounded(best), below)


def _rounded(probability: float) -> float:
    """Round to 6 decimals, four times as fast as `round`."""
    return int(probability * 1e6 + 0.5) / 1e6
