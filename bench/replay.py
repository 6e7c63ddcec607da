"""A replay of files: wall-clock seconds and CPU seconds."""

import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from assay_services.demo.run import CONTRACT
from assay_services.demo.simulator import Simulator
from bench.ground import train
from bench.processes import ROOT
from bench.report import Sheet, at_most

_TARGET_SECONDS, _TARGET_ANNOTATIONS = 40, 1_000_000
_SEED = 7
_BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)
_A_SECOND = 2
_WAYS = {"labels, corrections, agreement, reliability": ("--no-conduct",), "with conduct and alerts": ()}


def measure(*, annotations: int) -> Sheet:
    """Replay this many annotations of the demo from a file; their event times are half a second apart."""
    with TemporaryDirectory(prefix="assay-bench-") as name:
        folder = Path(name)
        train(folder)
        contract = yaml.safe_dump(CONTRACT.model_dump(mode="json", by_alias=True, exclude_unset=True))
        (folder / "contract.yaml").write_text(contract)
        _write_history(folder / "history.jsonl", annotations)
        found = [(what, *_replayed(folder, *options)) for what, options in _WAYS.items()]
    rows = [
        (what, f"{seconds:.1f}", *_target(seconds, annotations), f"{used:.1f}", f"{annotations / seconds:,.0f}")
        for what, seconds, used in found
    ]
    columns = ("what", "seconds", "target", "result", "CPU seconds", "annotations/s")
    notes = ("`assay replay` runs in three processes. The time includes their start and end and all files.",)
    return Sheet(f"Replay of {annotations:,} annotations", columns, rows, notes)


def _target(seconds: float, annotations: int) -> tuple[str, str]:
    if annotations != _TARGET_ANNOTATIONS:
        return ("", "")
    return (f"at most {_TARGET_SECONDS}", at_most(seconds, _TARGET_SECONDS))


def _write_history(path: Path, count: int) -> None:
    """Write so many events of the demo, broken and repeated ones among them."""
    simulator = Simulator(_SEED)
    with path.open("wb") as file:
        for number in range(count):
            event = simulator.event(_BEGAN + timedelta(seconds=number / _A_SECOND), over=number / count)
            file.write(event.replace(b"\n", b" ") + b"\n")


def _replayed(folder: Path, *options: str) -> tuple[float, float]:
    """Return how many seconds it took by the clock and by the processor, all processes together."""
    files = ["--contract", str(folder / "contract.yaml"), "--out", str(folder / "results")]
    command = [sys.executable, "-m", "assay_services.cli", "replay", *options, *files, str(folder / "history.jsonl")]
    command += ["--allow-dead", "1000000000"]  # the demo breaks some events
    environment = {**os.environ, "ASSAY_MODELS": str(folder / "models")}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=environment)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
