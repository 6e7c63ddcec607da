"""Work that has stopped at an error: the parked projects of every service, from the ledgers in its state topic."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from assay_schemas.annotation import ProjectId
from assay_schemas.topics import SINGLE, TOPICS
from assay_services.engine.core.isolation import NAMELESS
from assay_services.engine.core.ledger import PARKED, Ledger
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.state_topic import restore

_STATE = ".state"


@dataclass(frozen=True, slots=True)
class ParkedWork:
    """A parked project of one partition of a service. `waiting` counts the waiting records of all its projects."""

    service: str
    partition: int
    project: ProjectId
    since: datetime
    waiting: int
    error: str

    @property
    def problem(self) -> str:
        """Return in words what waits, since when, and why."""
        who = "records without a project" if self.project == NAMELESS else f"project '{self.project}'"
        return (
            f"{who} stopped at an error on {self.since:%Y-%m-%d %H:%M:%S} UTC and waits "
            f"({self.waiting:,} records): {self.error}"
        )


def parked_in(ledger: Ledger, service: str, partition: int) -> Iterator[ParkedWork]:
    """Yield what a ledger says is parked."""
    waiting = ledger.verdicts.get(PARKED, 0)
    for project, one in ledger.parked.items():
        since = datetime.fromtimestamp(one.since / 1_000, UTC)
        yield ParkedWork(service, partition, project, since, waiting, one.error)


async def find_parked(settings: RuntimeSettings) -> list[ParkedWork]:
    """Return what is parked in any service."""
    found: list[ParkedWork] = []
    for topic in (topic for topic in TOPICS if topic.name.endswith(_STATE)):
        for number in range(1 if topic.name in SINGLE else settings.partitions):
            _, ledger = await restore(settings, topic.name, number)
            if ledger is not None:
                found += parked_in(ledger, topic.name.removesuffix(_STATE), number)
    return found
