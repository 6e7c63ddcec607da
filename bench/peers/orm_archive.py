"""The peer of the archive: the same rows through SQLAlchemy's ORM, `session.add_all` and `merge`, batch by batch."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import TopicPartition
from sqlmodel import Session

from assay_schemas.annotation import Label
from assay_schemas.topics import VALIDATED
from assay_schemas.verdict import ValidatedAnnotation
from assay_services.archive.settings import ArchiveSettings
from assay_services.engine.kafka import make_consumer
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.archive.schema_upgrade import upgrade
from assay_services.stores.archive.tables import AnnotationRow, ItemRow, OffsetRow


async def main() -> None:
    """Read the topic from its beginning, and write it."""
    settings = ArchiveSettings()
    engine = open_engine(settings.database_url)
    upgrade(engine)
    consumer = make_consumer(settings)
    consumer.assign([TopicPartition(settings.prefix + VALIDATED.name, n) for n in range(settings.partitions)])
    await consumer.start()
    while True:
        found = await consumer.getmany(timeout_ms=500, max_records=settings.archive_batch)
        if found:
            with Session(engine) as session:
                for tp, records in found.items():
                    _write(session, tp.partition, records)
                session.commit()


def _write(session: Session, number: int, records: Sequence[Any]) -> None:
    judged = [(record, ValidatedAnnotation.model_validate_json(record.value)) for record in records]
    session.add_all([_annotation(record, number, found) for record, found in judged])
    for _, found in judged:
        session.merge(_item(found))
    before = session.get(OffsetRow, (1, VALIDATED.name, number))
    count = len(records) + (0 if before is None else before.records)
    session.merge(
        OffsetRow(
            source=1, topic=VALIDATED.name, kafka_partition=number, position=records[-1].offset + 1, records=count,
            unreadable=0, forgotten=0, moved_at=datetime.now(UTC),
        )
    )  # fmt: skip


def _annotation(record: Any, number: int, found: ValidatedAnnotation) -> AnnotationRow:  # noqa: ANN401
    said, score = found.annotation, found.score
    return AnnotationRow(
        source=1,
        verdict="validated",
        kafka_partition=number,
        kafka_offset=record.offset,
        id=said.id,
        action=said.action.value,
        project=said.project,
        item=said.item.id,
        annotator=said.annotator.id,
        annotator_kind=said.annotator.kind.value,
        label=_text(said.label),
        label_kind="text",
        occurred_at=said.occurred_at,
        created_at=said.created_at,
        judged_at=datetime.fromtimestamp(record.timestamp / 1_000, UTC),
        lead_time_seconds=said.lead_time_seconds,
        platform=None if said.source is None else said.source.platform,
        attributes=said.item.attributes,
        findings=[one.model_dump(mode="json") for one in found.findings],
        label_probability=None if score is None else score.label_probability,
        predicted=None if score is None else _text(score.predicted),
        predicted_probability=None if score is None else score.predicted_probability,
        below_threshold=None if score is None else score.below_threshold,
        contract_version=found.contract_version,
    )


def _item(found: ValidatedAnnotation) -> ItemRow:
    said = found.annotation
    return ItemRow(
        project=said.project,
        item=said.item.id,
        text=said.item.text,
        gold=_text(said.item.gold),
        gold_kind="text",
        attributes=said.item.attributes,
        described=True,
        seen_at=said.occurred_at,
        seen_in=said.id,
    )


def _text(label: Label | None) -> str | None:
    return None if label is None else str(label)


if __name__ == "__main__":
    asyncio.run(main())
