"""A consensus that holds many open items: what they weigh, how fast they are taken up.

`python -m bench.open_items templates FILE` writes the stored forms of real items, `python -m bench.open_items COUNT
FILE` holds so many and prints one JSON object. Two processes: memory is measured from outside of Python's allocator,
and one that has absorbed annotations would fill memory that was freed, and seem to weigh less.
"""

import gc
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import orjson
import psutil

from assay_models.truth.factory import make_truth
from assay_schemas.contract.label_contract import LabelContract
from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.item_state import load_item
from assay_services.consensus.core.step import ConsensusCore, ConsensusProject
from assay_services.demo.run import CONTRACT
from assay_services.engine.core.core_api import Headers
from assay_services.engine.core.state import PartitionState
from assay_services.engine.garbage import tame_garbage_collector

_TEMPLATES = 3_000
_VOTES = 3
_LABELS = ("safe", "adult", "violence", "scam")
_NOW = 1_800_000_000_000
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class _Record:
    value: bytes
    offset: int = 0
    timestamp: int = _NOW
    key: bytes | None = None
    headers: Headers = field(default_factory=list)


def hold(count: int, stored: list[bytes]) -> dict[str, float]:
    """Return what an open item weighs, state and working memory together, and how long a million take."""
    projects: dict[str, ConsensusProject] = {CONTRACT.project: ConsensusProject(CONTRACT, make_truth)}
    tame_garbage_collector()
    gc.collect()
    before, state = psutil.Process().memory_info().rss, PartitionState()
    names = [load_item(value[8:]).item.encode() for value in stored]
    for number in range(count):
        place = number % len(stored)
        name = b"held-%08d" % number
        state.load(b"i:" + CONTRACT.project.encode() + b":" + name, stored[place].replace(names[place], name, 1))
    began = perf_counter()
    core = ConsensusCore(projects, Exchange(), PartitionOrigin(0, 1), state)
    core.idle(_NOW)
    seconds = perf_counter() - began
    grown = psutil.Process().memory_info().rss - before
    return {"bytes_per_item": grown / count, "seconds_per_million": seconds / count * 1_000_000}


def make_templates(contract: LabelContract) -> list[bytes]:
    """Return the stored forms of real items."""
    projects: dict[str, ConsensusProject] = {contract.project: ConsensusProject(contract, make_truth)}
    state = PartitionState()
    core = ConsensusCore(projects, Exchange(), PartitionOrigin(0, 1), state)
    records = list(_records(contract))
    for start in range(0, len(records), _BATCH):
        state.apply(core.step(state, records[start : start + _BATCH]).changes)
    return [value for key, value in state.items().items() if key.startswith(b"i:")]


def _records(contract: LabelContract) -> Iterator[_Record]:
    rng = random.Random(1)  # noqa: S311  # a simulation
    for number in range(_TEMPLATES):
        for who in rng.sample(range(100), _VOTES):
            label = _LABELS[number % 4] if rng.random() < 0.85 else rng.choice(_LABELS)
            annotation = {
                "id": f"annotation-{number}-{who}",
                "project": contract.project,
                "item": {"id": f"item-{number:08d}", "attributes": {"market": "BR"}},
                "annotator": {"id": f"annotator-{who}"},
                "label": label,
                "occurred_at": "2026-11-24T12:00:00Z",
            }
            yield _Record(orjson.dumps({"annotation": annotation, "score": None, "contract_version": 1}))


if __name__ == "__main__":
    asked, file = sys.argv[1], Path(sys.argv[2])
    if asked == "templates":
        file.write_text("\n".join(one.hex() for one in make_templates(CONTRACT)))
    else:
        held = hold(int(asked), [bytes.fromhex(line) for line in file.read_text().splitlines()])
        sys.stdout.write(json.dumps(held) + "\n")
