"""Run alert rules over the records on the topics."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from aiokafka.errors import UnknownTopicOrPartitionError

from assay_schemas.alert import Alert
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import SINGLE
from assay_services.alerts.core.observers import SOURCES
from assay_services.engine.core.core_api import NotYet
from assay_services.engine.kafka import partition_reader
from assay_services.engine.settings import RuntimeSettings
from assay_services.replay.alerts import ReplayedAlerts


async def backtest(
    settings: RuntimeSettings, contracts: Mapping[ProjectId, LabelContract], *, since: datetime
) -> Sequence[Alert]:
    """Return every transition that these rules would have made, from `since` on. Nothing is published."""
    alerts, first = ReplayedAlerts(contracts), int(since.timestamp() * 1_000)
    for topic in SOURCES:
        for number in range(1 if topic in SINGLE else settings.partitions):
            await _read(settings, topic, number, alerts, first)
    found = [Alert.model_validate_json(one.value or b"") for one in alerts.finish()]
    return [one for one in found if one.at >= since]


async def _read(settings: RuntimeSettings, topic: str, number: int, alerts: ReplayedAlerts, first: int) -> None:
    try:
        async with partition_reader(settings, topic, number) as reader:
            async for batch in reader.batches():
                recent = [record for record in batch if record.timestamp >= first]
                while recent:
                    try:
                        alerts.observe(topic, recent)
                    except NotYet:  # a project without a contract to try is skipped from now on
                        continue
                    break
    except UnknownTopicOrPartitionError:
        return
