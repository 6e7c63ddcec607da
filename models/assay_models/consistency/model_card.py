"""The model card: what a consistency model was trained on, and how far to believe it."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

_Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class _CardSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataFacts(_CardSection):
    """The votes the model was trained on.

    `sha256` is of the sorted observations, so the order in which they were read does not change it.
    `unseen_labels` were asked for, but no vote for them exists: the model has no class for them.
    """

    sha256: str
    item_count: int
    vote_count: int
    unseen_labels: tuple[str, ...]


class ClassFacts(_CardSection):
    """One class.

    A label with a probability below `threshold` is flagged. `confident_threshold` is the mean probability of
    the class's own votes and `estimated_error_share` the share of them that confident learning holds to be
    wrong; `flagged_share` is the share of them that lies below `threshold`.
    """

    label: str
    vote_count: int
    threshold: _Share
    confident_threshold: _Share
    estimated_error_share: _Share
    flagged_share: _Share


class FitFacts(_CardSection):
    """How the model was fitted. A `temperature` above 1 means that its logits had been too sure."""

    uses_text: bool
    feature_count: int
    term_count: int
    inverse_regularisation: float
    temperature: float
    fold_count: int
    seed: int


class Figures(_CardSection):
    """What the model is worth; all out-of-fold: no item is judged by a model that has seen it.

    `accuracy` is the share of items whose majority label is predicted, with its 95 % Wilson interval, over
    the `accuracy_item_count` items without a tie; `majority_share` is what always saying the commonest label
    would reach. All four are None if every item is tied. `log_loss` is the mean over votes, in nats.
    `skill_score` is the part of the class frequencies' log loss that the model saves: 1 is perfect, 0 no
    better than the frequencies, below 0 worse. The calibration errors are over votes, in 15 equal-width bins,
    before and after the temperature.

    `planted_error_auroc` is the chance that a planted error gets a lower probability than a vote left alone
    (which may be wrong too): 1 is perfect, 0.5 guessing; None if there are too few votes to plant any. Where
    one class is rare, errors planted at random mostly bear its label, so that the class frequencies find them
    without looking at any item: `planted_error_baseline_auroc` is what they reach, and what to beat.
    """

    accuracy: _Share | None
    accuracy_low: _Share | None
    accuracy_high: _Share | None
    accuracy_item_count: int
    majority_share: _Share | None
    log_loss: float
    skill_score: float
    calibration_error_before: _Share
    calibration_error: _Share
    planted_error_auroc: _Share | None
    planted_error_baseline_auroc: _Share
    planted_error_count: int


class ModelCard(_CardSection):
    """What stands beside a model file, as JSON."""

    data: DataFacts
    classes: tuple[ClassFacts, ...]
    fit: FitFacts
    figures: Figures
    created_with: str
    versions: dict[str, str]
