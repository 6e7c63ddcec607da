"""A project in force: its compiled contract, and its consistency model where one can be loaded."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from assay_models.consistency import onnx_scorer as learned
from assay_models.consistency.label_score import Score, score
from assay_models.rules.ruleset import RuleProblem, compile_contract
from assay_schemas.annotation import Item, Label, ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.engine import metrics
from assay_services.engine.logs import get_logger
from assay_services.validator.core.step import ValidatorProject

log = get_logger("validator")


@dataclass(frozen=True, slots=True)
class TimedScorer:
    """A loaded consistency model that measures its own run time."""

    model: learned.OnnxScorer
    mark: int
    project: ProjectId
    flag_below: float | None

    def views(self, items: Sequence[Item]) -> Sequence[Sequence[float]]:
        """Return the probability of each class for each item; empty for an item that the model cannot judge."""
        judged = [i for i, item in enumerate(items) if self.model.can_judge(item.text, item.features)]
        found: list[Sequence[float]] = [()] * len(items)
        began = perf_counter()
        try:
            rows = self.model.probabilities([items[i].text for i in judged], [items[i].features for i in judged])
        except learned.ModelUnusable as error:
            log.error("model_failed", project=self.project, reason=str(error))
            metrics.MODEL_UNAVAILABLE.labels(self.project).set(1)
            return found
        metrics.MODEL_SECONDS.labels(self.project).observe(perf_counter() - began)
        for i, row in zip(judged, rows.tolist(), strict=True):
            found[i] = row
        return found

    def score(self, view: Sequence[float], label: Label | None) -> Score | None:
        """Return the score of a label in a view; None if the model does not know the label."""
        if not view:
            return None
        return score(
            view, label, labels=self.model.labels, thresholds=self.model.thresholds, flag_below=self.flag_below
        )


def load_scorer(contract: LabelContract, models: Path) -> TimedScorer | None:
    """Load the model that a contract names; return None if it cannot be used, and annotations then carry no score."""
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
        zlib.crc32(content),
        contract.project,
        contract.model.flag_below,
    )


def load_project(contract: LabelContract, models: Path) -> ValidatorProject | None:
    """Compile a contract and load its model; log an error and return None if the contract does not compile."""
    try:
        rules = compile_contract(contract)
    except RuleProblem as error:
        log.error("contract_does_not_compile", project=contract.project, version=contract.version, reason=str(error))
        return None
    metrics.CONTRACT_VERSION.labels(contract.project).set(contract.version)
    log.info("contract_in_force", project=contract.project, version=contract.version)
    return ValidatorProject(rules, load_scorer(contract, models))
