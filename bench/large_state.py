"""A process that holds a great deal of state, to see what it weighs: `python -m bench.large_state COUNT [restore]`.

Prints one JSON object. Alone in its process, since memory is measured from outside of Python's allocator.
"""

import asyncio
import gc
import itertools
import json
import sys
from collections.abc import Iterator, Mapping
from time import perf_counter

import psutil

from assay_schemas.topics import VALIDATOR_STATE
from assay_services.demo.simulator import PROJECT
from assay_services.engine.core.state import PartitionState
from assay_services.engine.garbage import tame_garbage_collector
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore
from bench.ground import judge_all, seeded_events, the_project

_TEMPLATE_EVENTS = 6_000
_FILE = "items.hex"


def make_templates(settings: RuntimeSettings) -> list[bytes]:
    """Return the stored forms of real items: what the validator keeps after some of the demo's events.

    They are left in a file, too: a process that judged events would fill freed memory, and seem to weigh less.
    """
    values = seeded_events(_TEMPLATE_EVENTS)
    stored = list(judge_all(the_project(settings.models), values, lambda _: None).items().values())
    (settings.folder / _FILE).write_text("\n".join(value.hex() for value in stored))
    return stored


def items(stored: list[bytes], count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield as many items: each with a key and bytes of its own, as large as real ones."""
    for number, value in zip(range(count), itertools.cycle(stored), strict=False):
        yield f"{PROJECT}:ad-{number:08d}".encode(), bytes(bytearray(value))


def hold(settings: RuntimeSettings, count: int) -> Mapping[str, float]:
    """Return what so many items weigh in a PartitionState."""
    with (settings.folder / _FILE).open() as lines:
        stored, state = [bytes.fromhex(line) for line in lines], PartitionState()
    gc.collect()
    before = _resident_bytes()
    for key, value in items(stored, count):
        state.load(key, value)
    grown = _resident_bytes() - before
    return {"bytes_per_item": grown / len(state), "stored_bytes": sum(map(len, stored)) / len(stored)}


def restore_from_kafka(settings: RuntimeSettings) -> Mapping[str, float]:
    """Return how long reading a partition of the state topic takes, and what the process weighs then."""
    before, began = _resident_bytes(), perf_counter()
    state, _ = asyncio.run(restore(settings, VALIDATOR_STATE.name, 0))
    seconds = perf_counter() - began
    return {"seconds": seconds, "keys": len(state), "bytes_per_item": (_resident_bytes() - before) / len(state)}


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    tame_garbage_collector()
    chosen = RuntimeSettings()
    is_restore = sys.argv[2:] == ["restore"]
    print(json.dumps(restore_from_kafka(chosen) if is_restore else hold(chosen, int(sys.argv[1]))))
