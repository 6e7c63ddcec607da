"""The ground on which contenders meet: a broker, a trained model, the same events for each."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import NamedTuple

from assay_schemas.topics import ANNOTATIONS, DEAD, REJECTED, TOPICS, VALIDATED
from assay_services.demo.run import CONTRACT
from assay_services.demo.simulator import PROJECT, Simulator
from assay_services.devtools.local_broker import LocalBroker
from assay_services.engine.contract_table import publish_contract
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.state import PartitionState
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.importer import send_records
from assay_services.ingest.input_record import InputRecord, key_of
from assay_services.ingest.training_run import train_model
from assay_services.validator.core.step import BatchOrigin, ValidatorCore, ValidatorProject
from assay_services.validator.projects import load_project

VERDICTS = (VALIDATED, REJECTED, DEAD)
PARTITIONS = 4
BATCH = 2_000
_HISTORY = 2_000
_SEED = 7


class Event(NamedTuple):
    """One record as a core sees it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """A running broker and a folder with the model."""

    kafka: str
    folder: Path

    def settings(self, prefix: str) -> RuntimeSettings:
        """Return the settings of one contender: topics of its own, by prefix."""
        return RuntimeSettings(
            kafka=self.kafka, folder=self.folder, models=self.folder / "models", prefix=prefix, partitions=PARTITIONS
        )

    async def prepare(self, prefix: str) -> RuntimeSettings:
        """Create a contender's topics and put the contract in force.

        The broker stamps the verdicts: some clients hand the time of the input on, so only its clock is fair.
        """
        settings = self.settings(prefix)
        topics = [replace(topic, broker_time=True) if topic in VERDICTS else topic for topic in TOPICS]
        await ensure_topics(settings, topics)
        await publish_contract(settings, CONTRACT)
        return settings


@contextmanager
def open_ground() -> Iterator[Ground]:
    """Start a broker in a temporary folder and train the demo's model there."""
    with TemporaryDirectory(prefix="assay-bench-") as name, LocalBroker(Path(name)) as broker:
        folder = Path(name)
        train(folder)
        yield Ground(broker.address, folder)


def train(folder: Path) -> None:
    """Train the demo's consistency model."""
    history = Simulator(_SEED).history(_HISTORY, datetime.now(UTC))
    records = (InputRecord(line, None, value) for line, value in enumerate(history, 1))
    train_model(records, CONTRACT, folder / "models" / f"{PROJECT}.onnx", seed=_SEED)


def events_of(simulator: Simulator, count: int) -> list[bytes]:
    """Return the next events of the demo, broken and repeated ones among them."""
    return [simulator.event(datetime.now(UTC), over=number / count) for number in range(count)]


def seeded_events(count: int) -> list[bytes]:
    """Return the events that every contender gets."""
    return events_of(Simulator(_SEED), count)


async def preload(settings: RuntimeSettings, values: Sequence[bytes]) -> None:
    """Put the events on the input topic."""
    records = (InputRecord(line, key_of(value), value) for line, value in enumerate(values, 1))
    await send_records(records, settings, bookmark=None, rate=None, sent=lambda _: None)


def the_project(models: Path) -> ValidatorProject:
    """Return the demo's project as the validator would hold it."""
    project = load_project(CONTRACT, models)
    if project is None or project.scorer is None:
        raise RuntimeError("the demo's contract or model cannot be used")
    return project


def judge_all(project: ValidatorProject, values: Sequence[bytes], seen: Callable[[Output], None]) -> PartitionState:
    """Judge all events in batches, as one partition; hand every output to `seen`; return the state."""
    core, state, now = (
        ValidatorCore({PROJECT: project}, BatchOrigin(ANNOTATIONS.name, 0)),
        PartitionState(),
        int(time() * 1_000),
    )
    for start in range(0, len(values), BATCH):
        part = values[start : start + BATCH]
        step = core.step(state, [Event(start + i, now, None, value) for i, value in enumerate(part)])
        state.apply(step.changes)
        for output in step.outputs:
            seen(output)
    return state


def expected_verdicts(project: ValidatorProject, values: Sequence[bytes]) -> Counter[str]:
    """Return how many verdicts must lie on each topic when the job is done."""
    found: Counter[str] = Counter()

    def count(output: Output) -> None:
        found[output.topic] += 1

    judge_all(project, values, count)
    return found
