"""What the demo shows while it runs."""

from collections import Counter, deque
from dataclasses import dataclass, field

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_MARKS = {"validated": ("✓", "green"), "rejected": ("✗", "red"), "dead": ("†", "magenta")}
_BAR = 24


@dataclass(slots=True)
class Scene:
    """What is known so far."""

    sent: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=5_000))

    @property
    def judged_count(self) -> int:
        """Return how many verdicts have come back."""
        return self.judged.total()


def draw(scene: Scene, *, kafka: str) -> RenderableType:
    """Return one frame."""
    head = Text.assemble(
        ("Assay demo ", "bold"),
        ("synthetic annotators, a real Kafka at ", "dim"),
        (kafka, "cyan"),
        (f"   {scene.seconds:.0f} s", "dim"),
    )
    columns = Columns([_flow(scene), _verdicts(scene), _findings(scene), _people(scene)])
    return Panel(Group(head, columns), border_style="cyan")


def _flow(scene: Scene) -> Table:
    table = Table(title="flow", show_header=False)
    rate = scene.judged_count / scene.seconds if scene.seconds else 0.0
    table.add_row("events sent", f"{scene.sent:,}")
    table.add_row("verdicts back", f"{scene.judged_count:,}")
    table.add_row("verdicts a second", f"{rate:,.0f}")
    table.add_row("under way", f"{max(0, scene.sent - scene.judged_count):,}")
    if scene.latencies_ms:
        ordered = sorted(scene.latencies_ms)
        table.add_row("half are back in", f"{ordered[len(ordered) // 2]:.0f} ms")
        table.add_row("99 % are back in", f"{ordered[int(len(ordered) * 0.99)]:.0f} ms")
    return table


def _verdicts(scene: Scene) -> Table:
    table = Table("verdict", "records", "share", title="verdicts")
    for name, (mark, colour) in _MARKS.items():
        count = scene.judged[name]
        share = count / scene.judged_count if scene.judged_count else 0.0
        table.add_row(f"[{colour}]{mark} {name}[/]", f"{count:,}", f"{'█' * round(share * _BAR)} {share:.1%}")
    return table


def _findings(scene: Scene) -> Table:
    table = Table("rule", "findings", title="top findings")
    for rule, count in scene.findings.most_common(7):
        table.add_row(rule, f"{count:,}")
    return table


def _people(scene: Scene) -> Table:
    table = Table("annotator", "with a finding", title="who")
    shares = sorted(((scene.flagged[who] / n, n, who) for who, n in scene.people.items() if n), reverse=True)
    for share, n, who in shares[:7]:
        table.add_row(who, f"{share:.0%} of {n:,}")
    return table
