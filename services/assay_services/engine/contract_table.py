"""Follow the contracts in force: read the whole topic `contracts`, without a consumer group."""

from collections.abc import Callable

from pydantic import ValidationError

from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import CONTRACTS
from assay_services.engine.compacted_topic import TopicFollower
from assay_services.engine.kafka import make_producer, partition_reader
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings

log = get_logger("contracts")


class ContractTable(TopicFollower):
    """Pass every contract to `apply` as it arrives; pass None when a project's contract is withdrawn."""

    def __init__(self, settings: RuntimeSettings, apply: Callable[[ProjectId, LabelContract | None], None]) -> None:
        """Follow the topic `contracts` with the function that puts a contract in force (project, contract or None)."""
        super().__init__(settings, {CONTRACTS: self._receive}, name="contracts")
        self._apply = apply

    def _receive(self, key: bytes, value: bytes | None) -> None:
        project = ProjectId(key.decode(errors="replace"))
        if value is None:
            self._apply(project, None)
            return
        try:
            contract = LabelContract.model_validate_json(value)
        except ValidationError as error:
            log.error("contract_unreadable", project=project, problems=error.error_count())
            return
        self._apply(project, contract)


def callback_for(contracts: dict[ProjectId, LabelContract]) -> Callable[[ProjectId, LabelContract | None], None]:
    """Return a callback for `ContractTable` that keeps `contracts` (by project) up to date."""

    def put_in_force(project: ProjectId, contract: LabelContract | None) -> None:
        if contract is None:
            contracts.pop(project, None)
        else:
            contracts[project] = contract

    return put_in_force


async def publish_contract(settings: RuntimeSettings, contract: LabelContract) -> None:
    """Publish a contract, which puts it in force for all workers."""
    producer = make_producer(settings)
    await producer.start()
    try:
        await producer.send_and_wait(
            settings.prefix + CONTRACTS.name,
            key=contract.project.encode(),
            value=contract.model_dump_json().encode(),
            partition=0,
        )
    finally:
        await producer.stop()


async def read_contracts(settings: RuntimeSettings) -> dict[ProjectId, LabelContract]:
    """Return the contracts in force now, by project."""
    found: dict[ProjectId, LabelContract] = {}
    async with partition_reader(settings, CONTRACTS.name, 0) as reader:
        async for batch in reader.batches():
            for record in batch:
                project = ProjectId((record.key or b"").decode(errors="replace"))
                found.pop(project, None)
                if record.value is None:
                    continue
                try:
                    found[project] = LabelContract.model_validate_json(record.value)
                except ValidationError as error:
                    log.error("contract_unreadable", project=project, problems=error.error_count())
    return found
