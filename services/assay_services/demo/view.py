"""The tables that the demo shows while it runs; each fits a terminal of 80 columns."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from statistics import correlation
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from assay_schemas.annotation import AnnotatorId

_MARKS = {"validated": ("✓", "green"), "rejected": ("✗", "red"), "dead": ("†", "magenta")}
_BAR = 24
_SHOWN_SIGNALS = 8
_SHOWN_PEOPLE = 20
_LEAST_TO_CORRELATE = 2


@dataclass(slots=True)
class Scene:
    """Everything on the screen. `given` and `right` are the simulator's: labels by annotator, and the correct ones."""

    given: Counter[AnnotatorId]
    right: Counter[AnnotatorId]
    sent: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    people: Counter[AnnotatorId] = field(default_factory=Counter)
    flagged: Counter[AnnotatorId] = field(default_factory=Counter)
    statuses: dict[str, str] = field(default_factory=dict)
    corrections: int = 0
    retractions: int = 0
    newest_corrections: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=5))
    signals: dict[tuple[AnnotatorId, str], dict[str, Any]] = field(default_factory=dict)
    agreement: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    reliability: dict[AnnotatorId, dict[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=5_000))

    @property
    def judged_count(self) -> int:
        """Return how many verdicts have arrived."""
        return self.judged.total()


def draw(scene: Scene, *, kafka: str) -> RenderableType:
    """Return one frame."""
    head = Text.assemble(
        ("Assay demo ", "bold"),
        ("synthetic annotators, a real Kafka at ", "dim"),
        (kafka, "cyan"),
        (f"   {scene.seconds:.0f} s", "dim"),
    )
    judged = Columns([_flow(scene), _verdicts(scene), _findings(scene)])
    inferred = Columns([_people(scene), Group(_agreement(scene), _items(scene))])
    told = Columns([_corrections(scene), _signals(scene)])
    return Panel(Group(head, judged, inferred, told), border_style="cyan")


def _flow(scene: Scene) -> Table:
    table = Table(title="flow", show_header=False)
    rate = scene.judged_count / scene.seconds if scene.seconds else 0.0
    table.add_row("events sent", f"{scene.sent:,}")
    table.add_row("verdicts back", f"{scene.judged_count:,}")
    table.add_row("verdicts per second", f"{rate:,.0f}")
    table.add_row("in flight", f"{max(0, scene.sent - scene.judged_count):,}")
    if scene.latencies_ms:
        ordered = sorted(scene.latencies_ms)
        table.add_row("p50 latency", f"{ordered[len(ordered) // 2]:.0f} ms")
        table.add_row("p99 latency", f"{ordered[int(len(ordered) * 0.99)]:.0f} ms")
    return table


def _verdicts(scene: Scene) -> Table:
    table = _table("verdicts", "verdict", "records", "share")
    for name, (mark, colour) in _MARKS.items():
        count = scene.judged[name]
        share = count / scene.judged_count if scene.judged_count else 0.0
        table.add_row(f"[{colour}]{mark} {name}[/]", f"{count:,}", f"{'█' * round(share * _BAR)} {share:.1%}")
    return table


def _findings(scene: Scene) -> Table:
    table = _table("top findings", "rule", "findings")
    for rule, count in scene.findings.most_common(7):
        table.add_row(rule, f"{count:,}")
    return table


def _people(scene: Scene) -> Table:
    table = _table("annotators", "annotator", "labels", "accuracy (95 %)", "true", "flagged")
    for who in sorted(scene.reliability, key=lambda who: scene.reliability[who]["accuracy"])[:_SHOWN_PEOPLE]:
        found = scene.reliability[who]
        interval = f"{found['accuracy']:.2f} ({found['accuracy_low']:.2f}-{found['accuracy_high']:.2f})"
        flagged = scene.flagged[who] / scene.people[who] if scene.people[who] else 0.0
        table.add_row(who, f"{found['votes']:,}", interval, f"{true_accuracy(scene, who):.2f}", f"{flagged:.0%}")
    return table


def _agreement(scene: Scene) -> Table:
    table = _table("agreement, last 15 minutes", "scope", "alpha (95 %)", "items")
    for scope, reading in sorted(scene.agreement.items()):
        shown = "not defined"
        if reading["value"] is not None:
            shown = f"{reading['value']:.2f} ({reading['low']:.2f}-{reading['high']:.2f})"
        table.add_row(" ".join(scope) or "all labels", shown, f"{reading['items']:,}")
    return table


def _items(scene: Scene) -> Table:
    table = _table("consensus", "status", "items")
    for status, count in Counter(scene.statuses.values()).most_common():
        table.add_row(status, f"{count:,}")
    return table


def _corrections(scene: Scene) -> Table:
    title = f"corrections: {scene.corrections:,}, retracted: {scene.retractions:,}"
    table = _table(title, "item", "annotator", "given", "corrected", "P(wrong)")
    for one in scene.newest_corrections:
        table.add_row(one["item"], one["annotator"], str(one["was"]), str(one["label"]), f"{one['probability']:.2f}")
    return table


def _signals(scene: Scene) -> Table:
    table = _table(f"signals about annotators: {len(scene.signals)}", "annotator", "signal", "since", "e-value")
    for one in list(scene.signals.values())[-_SHOWN_SIGNALS:]:
        since = datetime.fromisoformat(one["since"])
        table.add_row(one["annotator"], one["detector"], f"{since:%H:%M:%S}Z", f"{one['e_value']:,.0f}")
    return table


def _table(title: str, *columns: str) -> Table:
    """Return an empty table in which long names wrap instead of being cut."""
    table = Table(*columns, title=title)
    for column in table.columns:
        column.overflow = "fold"
    return table


def true_accuracy(scene: Scene, who: AnnotatorId) -> float:
    """Return the share of an annotator's labels that are correct according to the simulator (0-1)."""
    return scene.right[who] / scene.given[who] if scene.given[who] else 0.0


def accuracy_line(scene: Scene) -> str:
    """Return a comparison of the estimated accuracies with the true ones."""
    known = [who for who in scene.reliability if scene.given[who]]
    estimated = [scene.reliability[who]["accuracy"] for who in known]
    true = [true_accuracy(scene, who) for who in known]
    if len(set(estimated)) < _LEAST_TO_CORRELATE or len(set(true)) < _LEAST_TO_CORRELATE:
        return "too few annotators to compare estimated with true accuracies"
    return (
        f"estimated and true accuracies of {len(known)} annotators: "
        f"correlation {correlation(estimated, true):.2f}, "
        f"mean difference {sum(abs(a - b) for a, b in zip(estimated, true, strict=True)) / len(known):.3f}"
    )
