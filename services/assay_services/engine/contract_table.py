"""Follow the contracts in force: read the whole topic `contracts`, without a consumer group."""

import asyncio
from collections.abc import Callable

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from mode import Service
from pydantic import ValidationError

from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import CONTRACTS
from assay_services.engine.kafka import make_consumer, make_producer, partition_reader
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings

log = get_logger("contracts")


class ContractTable(Service):
    """Pass every contract to `apply` as it arrives; pass None when a project's contract is withdrawn."""

    def __init__(self, settings: RuntimeSettings, apply: Callable[[str, LabelContract | None], None]) -> None:
        """Follow the topic `contracts` with the function that puts a contract in force (project, contract or None)."""
        super().__init__()
        self._settings = settings
        self._apply = apply
        self._complete = asyncio.Event()

    async def read_all(self) -> None:
        """Wait until every contract that was on the topic at the start is in force."""
        await self._complete.wait()

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                log.warning("contracts_unreadable", error=repr(error))
                await self.sleep(1.0)

    async def _read(self) -> None:
        tp = TopicPartition(self._settings.prefix + CONTRACTS.name, 0)
        consumer = make_consumer(self._settings)
        consumer.assign([tp])
        await consumer.start()
        try:
            end = (await consumer.end_offsets([tp]))[tp]
            await consumer.seek_to_beginning(tp)
            while not self.should_stop:
                if not self._complete.is_set() and await consumer.position(tp) >= end:
                    self._complete.set()
                for record in (await consumer.getmany(tp, timeout_ms=250)).get(tp, []):
                    self._parse((record.key or b"").decode(errors="replace"), record.value)
        finally:
            await consumer.stop()

    def _parse(self, project: str, value: bytes | None) -> None:
        if value is None:
            self._apply(project, None)
            return
        try:
            contract = LabelContract.model_validate_json(value)
        except ValidationError as error:
            log.error("contract_unreadable", project=project, problems=error.error_count())
            return
        self._apply(project, contract)


def callback_for(contracts: dict[str, LabelContract]) -> Callable[[str, LabelContract | None], None]:
    """Return a callback for `ContractTable` that keeps `contracts` (by project) up to date."""

    def put_in_force(project: str, contract: LabelContract | None) -> None:
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


async def read_contracts(settings: RuntimeSettings) -> dict[str, LabelContract]:
    """Return the contracts in force now, by project."""
    found: dict[str, LabelContract] = {}
    async with partition_reader(settings, CONTRACTS.name, 0) as reader:
        async for batch in reader.batches():
            for record in batch:
                project = (record.key or b"").decode(errors="replace")
                found.pop(project, None)
                if record.value is not None:
                    found[project] = LabelContract.model_validate_json(record.value)
    return found
