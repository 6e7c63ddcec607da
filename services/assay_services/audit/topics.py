"""The ledger: for every input partition, records in = validated + rejected + dead + superseded."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from assay_schemas.topics import ANNOTATIONS, CONSENSUS_STATE, DEAD, REJECTED, VALIDATED, VALIDATOR_STATE
from assay_services.audit.parked_work import parked_in
from assay_services.engine.core.ledger import PARKED, SUPERSEDED, Ledger
from assay_services.engine.kafka import partition_reader
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore

_VERDICT_TOPICS = {"validated": VALIDATED, "rejected": REJECTED, "dead": DEAD}


@dataclass(frozen=True, slots=True)
class PartitionAudit:
    """The audit of one input partition, counted from the topics."""

    partition: int
    records_in: int
    waiting: int
    verdicts: Counter[str]
    twice: int
    ledger: Ledger
    lost_to_retention: bool

    @property
    def problems(self) -> list[str]:
        """Return what does not balance, in words; empty if everything does."""
        found = [one.problem for one in parked_in(self.ledger, "", self.partition)]
        if self.twice:
            found.append(f"{self.twice} records were judged twice")
        if self.lost_to_retention:
            return found  # records deleted by retention cannot be counted
        judged = self.records_in - self.waiting
        if sum(self.verdicts.values()) != judged:
            found.append(f"{judged} records were read, {sum(self.verdicts.values())} verdicts are there")
        for verdict, count in self.verdicts.items():
            if count != self.ledger.verdicts.get(verdict, 0):
                found.append(f"{count} {verdict}, but the ledger says {self.ledger.verdicts.get(verdict, 0)}")
        return found


async def audit(settings: RuntimeSettings) -> list[PartitionAudit]:
    """Audit every partition of `annotations` against the output topics and the ledger."""
    return [await _audit_partition(settings, number) for number in range(settings.partitions)]


async def audit_consensus(settings: RuntimeSettings) -> list[PartitionAudit]:
    """Audit every partition of `annotations.validated` against what the consensus has absorbed.

    The consensus does not publish a record per annotation, so the outcomes come from its ledger.
    """
    return [await _audit_consensus_partition(settings, number) for number in range(settings.partitions)]


async def _audit_consensus_partition(settings: RuntimeSettings, number: int) -> PartitionAudit:
    _, found = await restore(settings, CONSENSUS_STATE.name, number)
    ledger = found or Ledger(0)
    source = await _read(settings, VALIDATED.name, number)
    return PartitionAudit(
        partition=number,
        records_in=len(source.offsets),
        waiting=sum(1 for offset in source.offsets if offset >= ledger.position),
        verdicts=Counter(ledger.verdicts),
        twice=0,
        ledger=ledger,
        lost_to_retention=source.first > 0,
    )


async def _audit_partition(settings: RuntimeSettings, number: int) -> PartitionAudit:
    _, found = await restore(settings, VALIDATOR_STATE.name, number)
    ledger = found or Ledger(0)
    source = await _read(settings, ANNOTATIONS.name, number)
    verdicts: Counter[str] = Counter({name: ledger.verdicts.get(name, 0) for name in (SUPERSEDED, PARKED)})
    origins: Counter[int] = Counter()
    truncated = source.first > 0
    for verdict, topic in _VERDICT_TOPICS.items():
        output = await _read(settings, topic.name, number)
        truncated = truncated or output.first > 0
        verdicts[verdict] = len(output.offsets)
        origins.update(output.origins)
    return PartitionAudit(
        partition=number,
        records_in=len(source.offsets),
        waiting=sum(1 for offset in source.offsets if offset >= ledger.position),
        verdicts=verdicts,
        twice=sum(1 for count in origins.values() if count > 1),
        ledger=ledger,
        lost_to_retention=truncated,
    )


@dataclass(frozen=True, slots=True)
class _Contents:
    first: int
    offsets: list[int]
    origins: list[int]


async def _read(settings: RuntimeSettings, topic: str, number: int) -> _Contents:
    async with partition_reader(settings, topic, number) as reader:
        contents = _Contents(await reader.first_offset(), [], [])
        async for batch in reader.batches():
            for record in batch:
                contents.offsets.append(record.offset)
                contents.origins.extend(_origin(record))
        return contents


def _origin(record: Any) -> list[int]:  # noqa: ANN401  # aiokafka's own record
    return [int(value) for name, value in record.headers if name == "assay-offset"]
