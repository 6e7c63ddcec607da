"""Measure beside peers in the same run: `python -m bench [PART …] [--quick] [--markdown FILE]`."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import structlog
from rich.console import Console

from bench import archive, capacity, consensus, gateway, hotspots, latency, replay, throughput
from bench.ground import Ground, open_ground
from bench.report import Sheet, as_document, as_table, conditions

PARTS = ("throughput", "latency", "capacity", "consensus", "replay", "archive", "gateway")
_PROFILE = "profile"
_NARROWEST = 130


def main(arguments: Sequence[str]) -> int:
    """Run the named parts, print the results, and write them to a file if one is named."""
    asked = _parser().parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    terminal = Console()
    console = Console(width=max(terminal.width, _NARROWEST))
    sheets: list[Sheet] = []
    for sheet in _measured(asked.parts or PARTS, events=asked.events, quick=asked.quick):
        console.print(as_table(sheet), "")
        sheets.append(sheet)
    console.print(conditions())
    if asked.markdown is not None:
        command = ("python -m bench", *arguments)
        document = as_document(sheets, title=_title(asked.parts), command=command, now=datetime.now(UTC))
        asked.markdown.write_text(document, encoding="utf-8")
        console.print(f"written: {asked.markdown}")
    return 0


def _title(parts: Sequence[str]) -> str:
    only_ingestion = parts and set(parts) <= {"gateway", "archive"}
    return "Performance of gateway and archive" if only_ingestion else "Throughput, latency and capacity"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, _PROFILE, []], metavar="PART",
        help=f"{', '.join(PARTS)} (all of these if none is named) or {_PROFILE}",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="small loads, in about three minutes")
    parser.add_argument("--events", type=int, help="events of the throughput part and of the profile")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables to this file")
    return parser


def _measured(parts: Sequence[str], *, events: int | None, quick: bool) -> Iterator[Sheet]:
    with ExitStack() as stack:
        ground: Ground | None = None
        for part in parts:
            if part == _PROFILE:
                yield hotspots.measure(events=events or (10_000 if quick else 50_000))
                continue
            if ground is None:
                ground = stack.enter_context(open_ground())
            yield _measurers(events=events, quick=quick)[part](ground)


def _measurers(*, events: int | None, quick: bool) -> dict[str, Callable[[Ground], Sheet]]:
    """Return the function that measures each part, with its load."""
    count = events or (20_000 if quick else 100_000)
    rates = latency.Load(warm_up_seconds=1.0, seconds=3.0) if quick else latency.Load()
    amounts = capacity.Load(items=50_000, records=100_000, starts=1) if quick else capacity.Load()
    absorbed = consensus.Load(20_000, warm_up_seconds=1.0, seconds=3.0) if quick else consensus.Load()
    return {
        "throughput": lambda ground: throughput.measure(ground, events=count),
        "latency": lambda ground: latency.measure(ground, rates),
        "capacity": lambda ground: capacity.measure(ground, amounts),
        "replay": lambda _: replay.measure(annotations=20_000 if quick else 1_000_000),
        "archive": lambda ground: archive.measure(ground, events=count),
        "gateway": lambda _: gateway.measure(gateway.Load(seconds=3) if quick else gateway.Load()),
        "consensus": lambda ground: consensus.measure(ground, absorbed),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
