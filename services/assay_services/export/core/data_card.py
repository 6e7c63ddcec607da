"""The data card of a training set: its contents, its source, and its quality."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from assay_models.agreement.contingency import Pattern, pattern_of
from assay_models.agreement.estimate import Estimate
from assay_models.agreement.krippendorff import jaccard_alpha, nominal_alpha, ordinal_alpha
from assay_schemas.annotation import ProjectId
from assay_services.export.core.dataset import DatasetRow, label_mix

_MOST_VALUES = 1_000


@dataclass(frozen=True, slots=True)
class Request:
    """The options of an export."""

    project: ProjectId
    format: str
    since: str | None
    min_probability: float | None
    splits: Mapping[str, float]
    stratify: Sequence[str]
    seed: int


@dataclass(frozen=True, slots=True)
class DatasetAgreement:
    """The agreement on the exported items: coefficient and 95 % interval; None: `why` has the reason."""

    coefficient: str | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    items: int = 0
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One data card. `sha256` is that of the data file."""

    request: Request
    data_file: str
    sha256: str
    made_at: str
    made_by: str
    rows: int
    rows_by_split: Mapping[str, int]
    labels_by_split: Mapping[str, Mapping[str, int]]
    rows_by_status: Mapping[str, int]
    votes: int
    corrections: int
    mean_probability: float | None
    contract_versions: Sequence[int]
    agreement: DatasetAgreement
    columns: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the card as plain data."""
        return asdict(self)


def counted(examples: Sequence[DatasetRow]) -> dict[str, Any]:
    """Return the counts of the card."""
    sure = [one.probability for one in examples if one.probability is not None]
    return {
        "rows": len(examples),
        "rows_by_split": dict(sorted(Counter(one.split for one in examples).items())),
        "labels_by_split": label_mix(examples),
        "rows_by_status": dict(sorted(Counter(one.status for one in examples).items())),
        "votes": sum(one.votes for one in examples),
        "corrections": sum(one.corrections for one in examples),
        "mean_probability": round(sum(sure) / len(sure), 6) if sure else None,
    }


def agreement_of(labels_by_item: Iterable[Sequence[Any]]) -> DatasetAgreement:
    """Return the agreement of each item's labels: nominal for texts, ordinal for numbers, overlap for lists."""
    patterns: Counter[Pattern] = Counter()
    for labels in labels_by_item:
        if any(_is_marks(label) for label in labels):
            return DatasetAgreement(None, why="spans and boxes are compared by agreement.rolling, not here")
        patterns[pattern_of(labels)] += 1
    values = {value for pattern in patterns for value, _ in pattern}
    if len(values) > _MOST_VALUES:
        return DatasetAgreement(None, why=f"more than {_MOST_VALUES} different labels")
    if all(isinstance(value, int | float) for value in values):
        return _sentence("krippendorff-alpha-ordinal", ordinal_alpha(patterns))
    if any(isinstance(value, tuple) for value in values):
        return _sentence("krippendorff-alpha-jaccard", jaccard_alpha(patterns))
    return _sentence("krippendorff-alpha", nominal_alpha(patterns))


def _is_marks(label: Any) -> bool:  # noqa: ANN401
    return isinstance(label, list) and any(not isinstance(one, str) for one in label)


def _sentence(name: str, found: Estimate | None) -> DatasetAgreement:
    if found is None:
        return DatasetAgreement(None, why="no two annotations of an item to compare, or one label only")
    value, low, high = (round(one, 6) for one in (found.value, found.low, found.high))
    return DatasetAgreement(name, value, low, high, items=found.items)


def as_markdown(card: Card) -> str:
    """Return the card as Markdown."""
    head = [
        f"# Training set of {_cell(card.request.project)}",
        "",
        f"{card.rows:,} items in `{card.data_file}` (sha256 `{card.sha256}`), made at {card.made_at} by {card.made_by}",
        "",
    ]
    columns = [f"- `{name}`: {meaning}" for name, meaning in card.columns.items()]
    return "\n".join([*head, *_facts(card), "", *_mix(card), "", *columns]) + "\n"


def _facts(card: Card) -> list[str]:
    request, agreement = card.request, card.agreement
    least = 0 if request.min_probability is None else request.min_probability
    splits = ", ".join(f"{name} {share:g}" for name, share in request.splits.items())
    shown = f"undefined: {agreement.why}" if agreement.value is None else _interval(agreement)
    statuses = ", ".join(f"{name} {count:,}" for name, count in card.rows_by_status.items())
    return [
        f"- Only items since: {request.since or 'the beginning'}; with a probability of at least {least:g}",
        f"- Splits: {splits}; strata: {', '.join(map(_cell, request.stratify)) or 'none'}; seed {request.seed}",
        f"- Contract versions: {', '.join(map(str, card.contract_versions)) or '-'}",
        f"- Annotations behind it: {card.votes:,}, of which {card.corrections:,} are called wrong",
        f"- Mean probability of a label: {'-' if card.mean_probability is None else card.mean_probability}",
        f"- Agreement of the annotators: {shown}",
        f"- Status: {statuses or '-'}",
    ]


def _mix(card: Card) -> list[str]:
    splits = sorted(card.rows_by_split)
    lines = [f"| label | {' | '.join(splits)} |", f"|---|{'---:|' * len(splits)}"]
    for label in sorted({label for mix in card.labels_by_split.values() for label in mix}):
        counts = " | ".join(f"{card.labels_by_split[one].get(label, 0):,}" for one in splits)
        lines.append(f"| {_cell(label)} | {counts} |")
    return lines


def _interval(found: DatasetAgreement) -> str:
    return f"{found.coefficient} {found.value:.3f} ({found.low:.3f} to {found.high:.3f}), over {found.items:,} items"


def _cell(text: str) -> str:
    """Return a text escaped for a Markdown table cell."""
    return " ".join(text.replace("|", "\\|").split())[:200]
