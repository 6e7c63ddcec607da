"""One partition of a lane: a batch of records becomes one transaction with its outputs, its state and its position."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import AIOKafkaProducer

from assay_schemas.annotation import ProjectId
from assay_schemas.topics import SINGLE
from assay_services.engine import metrics
from assay_services.engine.core.core_api import NotYet, Record, Step
from assay_services.engine.core.isolation import IsolatedCore
from assay_services.engine.core.ledger import Ledger, ParkedProject
from assay_services.engine.core.parking_alerts import parked_alert, released_alert
from assay_services.engine.core.state import PartitionState, stored_changes
from assay_services.engine.kafka import commit, partition_reader
from assay_services.engine.logs import get_logger
from assay_services.engine.metrics import BatchTimes, count_batch
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import state_records

_FIRST_LIMIT = 64
_LONG_STEP_SECONDS = 0.1
_NOT_YET_SECONDS = 1.0
_RESUME_SECONDS = 2.0

log = get_logger("lane")


@dataclass(frozen=True, slots=True)
class LaneTopics:
    """The topic that a lane reads and its state topic, both without prefix."""

    source: str
    state: str


@dataclass(frozen=True, slots=True)
class LaneOrigin:
    """The lane that a partition belongs to: its service, its topics and its settings."""

    service: str
    topics: LaneTopics
    settings: RuntimeSettings


@dataclass(slots=True)
class LanePartition:
    """One assigned partition: its producer, its state, its ledger, its core and its current batch limit."""

    lane: LaneOrigin
    number: int
    producer: AIOKafkaProducer
    state: PartitionState
    ledger: Ledger | None
    core: IsolatedCore
    limit: int = _FIRST_LIMIT

    async def advance(self, batch: Sequence[Any], *, high: int | None) -> None:
        """Step the core over one batch and commit the result; only then change the state in memory.

        `high` is the topic's end as far as it is known.
        """
        began = time.perf_counter()
        step = await self._decide(batch)
        decided = time.perf_counter()
        if sum(step.verdicts.values()) != len(batch):
            raise RuntimeError(f"{len(batch)} records have the outcomes {step.verdicts}: the ledger does not balance")
        await self._commit(step, batch[-1].offset + 1)
        seconds = time.perf_counter() - decided
        done = BatchTimes(self.lane.service, self.number, len(batch), decided - began, seconds)
        count_batch(done, step, state_keys=len(self.state), lag=self._lag(high))
        if decided - began > _LONG_STEP_SECONDS:
            self.limit = max(_FIRST_LIMIT, self.limit // 2)
        elif len(batch) >= self.limit:
            self.limit = min(self.lane.settings.largest_batch, self.limit * 2)

    async def _decide(self, batch: Sequence[Any]) -> Step:
        while True:
            try:
                return self.core.step(self.state, batch)
            except NotYet as error:  # once for each thing that is missing
                log.info("waiting", partition=self.number, wanted=str(error))
                await asyncio.sleep(_NOT_YET_SECONDS)

    async def rest(self, position: int) -> None:
        """Run the core's idle step while no records arrive. No record is consumed by it."""
        step = self.core.idle(_now_ms())
        known = {} if self.ledger is None else self.ledger.parked
        if step is not None or self.core.parked.keys() != known.keys():
            await self._commit(step or Step([], {}, {}), position)

    async def resume(self, project: ProjectId, *, is_stopping: Callable[[], bool]) -> None:
        """Process waiting records of a parked project, for a few seconds: the other projects go on between."""
        core, ledger = self.core, self.ledger or Ledger(0)
        log.info("project_resumes", partition=self.number, project=project)
        first, until = max(0, core.parked[project].position), time.monotonic() + _RESUME_SECONDS
        async with partition_reader(self.lane.settings, self.lane.topics.source, self.number) as reader:
            if first < (kept := await reader.first_offset()):
                log.error("events_lost_to_retention", partition=self.number, project=project, lost=kept - first)
            async for records in reader.batches(first=first, end=ledger.position):
                if is_stopping() or time.monotonic() > until or not await self._resume_some(records):
                    return
        core.finish_resuming()
        await self._commit(Step([], {}, {}), ledger.position)

    async def _resume_some(self, records: Sequence[Record]) -> bool:
        """Process a stretch of the topic for the project that is taken up; return False if it is parked again."""
        position = (self.ledger or Ledger(0)).position
        limit = self.lane.settings.largest_batch
        for some in (records[start : start + limit] for start in range(0, len(records), limit)):
            step = self.core.resume(self.state, some, until=some[-1].offset + 1, now=_now_ms())
            await self._commit(step or Step([], {}, {}), position)
            if step is None:
                return False
        return True

    def _lag(self, high: int | None) -> int | None:
        return None if high is None or self.ledger is None else max(0, high - self.ledger.position)

    async def _commit(self, step: Step, position: int) -> None:
        """Write a step, and the ledger with its verdicts and with what is parked from now on."""
        before = self.ledger or Ledger(0)
        parked = self.core.placed(position)
        ledger = before.after(position, step.verdicts, parked)
        step = self._with_alerts(step, before.parked, parked)
        stored = stored_changes(step.changes)
        records = (step.outputs, state_records(self.lane.topics.state, stored, ledger))
        await commit(self.producer, self.number, records, prefix=self.lane.settings.prefix, single=SINGLE)
        self.state.apply_stored(stored)
        self.ledger = ledger

    def _with_alerts(
        self,
        step: Step,
        before: Mapping[ProjectId, ParkedProject],
        parked: Mapping[ProjectId, ParkedProject],
    ) -> Step:
        """Show what is parked from now on, and add an alert for each project that is parked or released."""
        metrics.PARKED_PROJECTS.labels(self.lane.service, str(self.number)).set(len(parked))
        place = f"{self.lane.service}, partition {self.number}"
        began = [name for name in parked if name not in before or parked[name].error != before[name].error]
        ended = [name for name in before if name not in parked]
        if not began and not ended:
            return step
        for name in began:
            log.error("project_parked", partition=self.number, project=name, error=parked[name].error)
        for name in ended:
            log.info("project_resumed", partition=self.number, project=name)
        alerts = [parked_alert(name, parked[name], place) for name in began]
        alerts += [released_alert(name, before[name], place, _now_ms()) for name in ended]
        return replace(step, outputs=[*step.outputs, *alerts])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
