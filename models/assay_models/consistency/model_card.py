"""The model card: a consistency model's training data, settings and evaluation."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

_Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class _CardSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataFacts(_CardSection):
    """The votes the model was trained on.

    `sha256` is the hash of the sorted observations and does not depend on their order. `unseen_labels` were requested,
    but have no votes: the model has no class for them.
    """

    sha256: str
    item_count: int
    vote_count: int
    unseen_labels: tuple[str, ...]


class ClassFacts(_CardSection):
    """One class.

    A label with a probability below `threshold` is flagged. `confident_threshold` is the mean probability of the
    class's own votes, `estimated_error_share` the share of them that confident learning estimates to be wrong, and
    `flagged_share` the share of them below `threshold`.
    """

    label: str
    vote_count: int
    threshold: _Share
    confident_threshold: _Share
    estimated_error_share: _Share
    flagged_share: _Share


class FitFacts(_CardSection):
    """How the model was fitted. A `temperature` above 1 means that its logits were overconfident."""

    uses_text: bool
    feature_count: int
    term_count: int
    inverse_regularisation: float
    temperature: float
    fold_count: int
    seed: int


class Figures(_CardSection):
    """The evaluation. All figures are out-of-fold: no item is judged by a model that was trained on it.

    `accuracy` is the share of items whose majority label is predicted, with its 95 % Wilson interval, over the
    `accuracy_item_count` items without a tie; `majority_share` is the accuracy of always predicting the most frequent
    label. All four are None if every item is tied. `log_loss` is the mean over votes, in nats. `skill_score` is the
    relative reduction of the log loss against the class frequencies: 1 is perfect, 0 no better than the frequencies,
    below 0 worse. The calibration errors are over votes, in 15 equal-width bins, before and after the temperature.

    `planted_error_auroc` is the probability that a planted error gets a lower probability than an unmodified vote
    (which may be wrong, too): 1 is perfect, 0.5 is guessing; None if there are too few votes to plant any. Where one
    class is rare, most randomly planted errors have its label, and the class frequencies alone detect them:
    `planted_error_baseline_auroc` is their result, and the one to beat.
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
    """The JSON document stored next to a model file."""

    data: DataFacts
    classes: tuple[ClassFacts, ...]
    fit: FitFacts
    figures: Figures
    created_with: str
    versions: dict[str, str]
