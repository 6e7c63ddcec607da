"""Train the consistency model from annotations; write the model file and its card."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import orjson
from rich.table import Table

from assay_models.consistency.classes import class_name, class_names
from assay_models.consistency.model_card import ModelCard
from assay_models.consistency.trainer import fit_model
from assay_models.consistency.training_data import TrainingImpossible, TrainingVote, without_rare_labels
from assay_schemas.annotation import Annotation
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.decoder import Undecodable, decode
from assay_services.ingest.input_record import InputRecord

_BATCH = 1_000
FOLDS = 5
"""Into how many parts the items are divided for testing; a label needs as many items."""


def train_model(records: Iterable[InputRecord], contract: LabelContract, path: Path, *, seed: int) -> list[Table]:
    """Train, write the model and its card, and return tables with the results. Raise TrainingImpossible."""
    labels = class_names(contract.label)
    if labels is None:
        raise TrainingImpossible(
            f"a {contract.label.kind} label is no class; "
            "the model learns categorical, pairwise and ordinal labels (with steps)"
        )
    votes, rare = without_rare_labels(list(observations(records, contract)), folds=FOLDS)
    fitted = fit_model(votes, labels=labels, seed=seed, folds=FOLDS)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(fitted.onnx)
    part.replace(path)
    path.with_name(path.name + ".card.json").write_text(fitted.card.model_dump_json(indent=2) + "\n")
    return [_figures_table(fitted.card), _classes_table(fitted.card), *([_rare_table(rare)] if rare else [])]


def _rare_table(rare: Mapping[str, int]) -> Table:
    """Return the labels that were left out."""
    title = f"left out: labels of fewer than {FOLDS} items; the model says nothing about them"
    table = Table("label", "items", title=title)
    for label, count in rare.items():
        table.add_row(label, f"{count}")
    return table


def _figures_table(card: ModelCard) -> Table:
    figures = card.figures
    title = f"{card.data.item_count:,} items, {card.data.vote_count:,} votes"
    table = Table("figure (out of fold)", "value", title=title)
    if figures.accuracy is not None:
        interval = f"95 % {figures.accuracy_low:.3f} to {figures.accuracy_high:.3f}, n={figures.accuracy_item_count:,}"
        table.add_row("accuracy against the items' majority", f"{figures.accuracy:.3f} ({interval})")
        table.add_row("always the commonest label", f"{figures.majority_share:.3f}")
    before = figures.calibration_error_before
    table.add_row("calibration error", f"{figures.calibration_error:.3f} (before: {before:.3f})")
    if figures.planted_error_auroc is not None:
        about = f"n={figures.planted_error_count:,}; frequencies alone: {figures.planted_error_baseline_auroc:.3f}"
        table.add_row("AUROC of finding planted errors", f"{figures.planted_error_auroc:.3f} ({about})")
    return table


def _classes_table(card: ModelCard) -> Table:
    table = Table("label", "votes", "flagged below", "flagged share", "estimated wrong")
    for each in card.classes:
        shares = (f"{each.threshold:.3f}", f"{each.flagged_share:.1%}", f"{each.estimated_error_share:.1%}")
        table.add_row(each.label, f"{each.vote_count:,}", *shares)
    return table


def observations(records: Iterable[InputRecord], contract: LabelContract) -> Iterator[TrainingVote]:
    """Yield the project's labelled annotations; validated records are accepted too."""
    batch: list[bytes] = []
    for record in records:
        batch.append(_unwrapped(record.value))
        if len(batch) == _BATCH:
            yield from _observed(batch, contract)
            batch = []
    yield from _observed(batch, contract)


def _unwrapped(value: bytes) -> bytes:
    """Return the annotation inside a verdict; return anything else unchanged."""
    try:
        found = orjson.loads(value)
        return orjson.dumps(found["annotation"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return value


def _observed(values: list[bytes], contract: LabelContract) -> Iterator[TrainingVote]:
    for found in decode(values):
        if isinstance(found, Undecodable) or found.project != contract.project:
            continue
        name = class_name(found.label)
        if name is not None:
            yield _observation(found, name)


def _observation(annotation: Annotation, name: str) -> TrainingVote:
    item = annotation.item
    features = None if item.features is None else tuple(item.features)
    return TrainingVote(item.id, item.text, features, name)
