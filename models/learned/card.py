"""The model card: what a consistency model was trained on, and how far to believe it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class ModelCard(BaseModel):
    """What stands beside a model file, as JSON.

    Every figure is out-of-fold: no item was judged by a model that had seen it. Undefined figures are None:
    accuracy if every item's vote is tied, the AUROC if no label could be planted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    data_sha256: str
    """Of the sorted observations, so that the order in which they were read does not matter."""
    labels: tuple[str, ...]
    unseen_labels: tuple[str, ...]
    """Labels asked for of which no vote exists: the model has no class for them."""
    item_count: int
    vote_count: int
    vote_counts: tuple[int, ...]
    uses_text: bool
    feature_count: int
    term_count: int
    fold_count: int
    seed: int
    inverse_regularisation: float
    temperature: float
    """What the logits were divided by: above 1 the model was too sure of itself."""
    accuracy: Share | None
    """Share of items whose majority label the model predicts; items with a tied vote do not count."""
    accuracy_low: Share | None
    accuracy_high: Share | None
    """95 % Wilson interval."""
    accuracy_item_count: int
    majority_share: Share | None
    """Share of the same items whose majority label is the commonest one: what no model at all would reach."""
    log_loss: float
    """Mean over votes, in nats, after calibration."""
    calibration_error_before: Share
    calibration_error: Share
    """Expected calibration error over votes, 15 equal-width bins, before and after the temperature."""
    planted_error_auroc: Share | None
    """Chance that a planted label error gets a lower probability than a label left alone; 0.5 is guessing."""
    planted_error_count: int
    thresholds: tuple[Share, ...]
    """Per class: a label with a probability below is flagged."""
    confident_thresholds: tuple[Share, ...]
    """Per class: the mean probability of the class's own votes (confident learning)."""
    estimated_error_shares: tuple[Share, ...]
    """Per class: the share of its votes that confident learning holds to be wrong."""
    flagged_shares: tuple[Share, ...]
    """Per class: the share of its votes below the threshold."""
    created_with: str
    versions: dict[str, str]
