"""The consistency model of each project: loaded from its file, timed, and missed without stopping anything."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from models.learned import scorer as learned
from schemas.annotation import Item, Label
from schemas.contract import LabelContract
from schemas.verdict import ModelScore
from services.runtime import metrics
from services.runtime.logs import get_logger

log = get_logger("scoring")


@dataclass(frozen=True, slots=True)
class TimedScorer:
    """A loaded model, as the core uses it."""

    model: learned.Scorer
    mark: str
    flag_below: float | None
    observe_seconds: Callable[[float], None]

    def views(self, items: Sequence[Item]) -> Sequence[Sequence[float]]:
        """Return the probability of each class for each item."""
        began = perf_counter()
        found: list[list[float]] = self.model.probabilities(
            [item.text for item in items], [item.features for item in items]
        ).tolist()
        self.observe_seconds(perf_counter() - began)
        return found

    def score(self, view: Sequence[float], label: Label | None) -> ModelScore | None:
        """Return what a view says of a label; None where the model does not know the label."""
        return learned.score(
            view, label, labels=self.model.labels, thresholds=self.model.thresholds, flag_below=self.flag_below
        )


def load_scorer(contract: LabelContract, models: Path) -> TimedScorer | None:
    """Load the model that a contract names, or None where it cannot be used: annotations then carry no score."""
    if contract.model is None:
        return None
    gauge = metrics.MODEL_UNAVAILABLE.labels(contract.project)
    path = models / contract.model.path
    try:
        content = path.read_bytes()
        model = learned.scorer_of(content)
    except (OSError, learned.ModelUnusable) as error:
        log.error("model_unusable", project=contract.project, path=str(path), reason=str(error))
        gauge.set(1)
        return None
    gauge.set(0)
    return TimedScorer(
        model,
        f"{zlib.crc32(content):x}",
        contract.model.flag_below,
        metrics.MODEL_SECONDS.labels(contract.project).observe,
    )
