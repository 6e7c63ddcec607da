"""Where the validator's core spends its time: a profile, and the same events without one."""

import cProfile
import pstats
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import process_time

from assay_services.engine.garbage import tame_garbage_collector
from assay_services.validator.core.step import ValidatorProject
from bench.ground import BATCH, judge_all, seeded_events, the_project, train
from bench.report import Sheet

_TOP = 15
_ROOT = Path(__file__).parent.parent


def measure(*, events: int) -> Sheet:
    """Judge events in batches as the lane would, in this process: once timed, once profiled."""
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder))
        project = the_project(Path(folder) / "models")
    values = seeded_events(events)
    tame_garbage_collector()
    plain = min(_seconds(project, values) for _ in range(3))
    profile = cProfile.Profile()
    profile.enable()
    judge_all(project, values, lambda _: None)
    profile.disable()
    notes = (
        f"Unprofiled: {plain * 1e6 / events:.1f} µs of CPU each; best of 3, batches of {BATCH:,}.",
        "The profiler makes small functions look dearer than they are.",
    )
    return Sheet(
        f"The validator's core on {events:,} events: top {_TOP} by own time",
        ("function", "calls", "own µs/event", "with callees µs/event", "own share"),
        _rows(pstats.Stats(profile), events),
        notes,
    )


def _seconds(project: ValidatorProject, values: Sequence[bytes]) -> float:
    began = process_time()
    judge_all(project, values, lambda _: None)
    return process_time() - began


def _rows(stats: pstats.Stats, events: int) -> list[tuple[str, ...]]:
    found = stats.get_stats_profile()
    entries = sorted(stats.stats.items(), key=lambda entry: -entry[1][2])[:_TOP]  # type: ignore[attr-defined]
    return [
        (
            _name(where),
            f"{calls:,}",
            f"{own * 1e6 / events:.2f}",
            f"{total * 1e6 / events:.2f}",
            f"{own / found.total_tt:.0%}",
        )
        for where, (_, calls, own, total, _) in entries
    ]


def _name(where: tuple[str, int, str]) -> str:
    file, line, function = where
    if not line:
        return function
    path = Path(file)
    shown = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else Path(path.parent.name) / path.name
    return f"{shown}:{line} {function}"
