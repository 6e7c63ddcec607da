"""Resend dead letters after their cause was fixed: the same bytes to the same topic."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import ColumnElement, Engine, delete, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from assay_schemas.annotation import Annotation, ProjectId
from assay_schemas.decoder import decode
from assay_schemas.errors import AssayUserError
from assay_schemas.topics import ANNOTATIONS
from assay_services.engine.kafka import NoKafkaError, make_producer, stop_quietly
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.archive.queries.dead_letters import DeadLetter, DeadLetterAddress, read_whole
from assay_services.stores.archive.queries.projects import read_contracted
from assay_services.stores.control.tables.dead_letter_resends import SentAgain

_LOST_AFTER = timedelta(minutes=2)

_LetterKey = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class ResendableLetter:
    """A dead letter that can now be parsed, and its key, which selects the partition of its item."""

    letter: DeadLetter
    key: bytes


@dataclass(frozen=True, slots=True)
class ResendCheck:
    """The dead letters that can be resent, and why the others cannot."""

    readable: Sequence[ResendableLetter]
    refused: Mapping[_LetterKey, str] = field(default_factory=dict)


def check_resendable(letters: Sequence[DeadLetter], *, projects: Collection[ProjectId]) -> ResendCheck:
    """Parse dead letters again, with the current decoder and the projects that now have a contract."""
    readable: list[ResendableLetter] = []
    refused: dict[_LetterKey, str] = {}
    for letter, decoded in zip(letters, decode([one.value for one in letters]), strict=True):
        if not isinstance(decoded, Annotation):
            refused[letter.address] = f"it still cannot be parsed: {decoded.reason} ({decoded.field})"
        elif decoded.project not in projects:
            refused[letter.address] = f"project '{decoded.project}' has no contract yet; apply one first"
        else:
            readable.append(ResendableLetter(letter, decoded.partition_key))
    return ResendCheck(readable, refused)


class ResendNotes:
    """Records of what was resent, and by whom. Every method is one transaction of the control database, and blocks."""

    def __init__(self, engine: Engine) -> None:
        """Use the control database."""
        self._engine = engine

    def reserve(self, letter: DeadLetter, by: str, *, now: datetime) -> bool:
        """Record that a dead letter is about to be resent; False if it was resent or another lead is resending it.

        A record without a send (the console was killed meanwhile) can be replaced after two minutes.
        """
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        cluster, prefix, partition, offset = letter.address
        note = insert(SentAgain).values(
            cluster=cluster, prefix=prefix, kafka_partition=partition, kafka_offset=offset, by=by, asked_at=now
        )
        taken = note.on_conflict_do_update(
            index_elements=["cluster", "prefix", "kafka_partition", "kafka_offset"],
            set_={name: note.excluded[name] for name in ("by", "asked_at")},
            where=col(SentAgain.sent_at).is_(None) & (col(SentAgain.asked_at) < now - _LOST_AFTER),
        )
        with self._engine.begin() as connection:
            return connection.execute(taken.returning(col(SentAgain.kafka_offset))).first() is not None

    def mark_sent(self, letter: DeadLetter, *, now: datetime) -> None:
        """Record that Kafka has acknowledged the letter."""
        with self._engine.begin() as connection:
            connection.execute(update(SentAgain).where(_is(letter)).values(sent_at=now))

    def release(self, letter: DeadLetter) -> None:
        """Remove the record of a letter that was not sent."""
        with self._engine.begin() as connection:
            connection.execute(delete(SentAgain).where(_is(letter), col(SentAgain.sent_at).is_(None)))

    def of(self, letters: Sequence[DeadLetter]) -> Mapping[_LetterKey, SentAgain]:
        """Return the records of these letters."""
        where = tuple_(
            col(SentAgain.cluster), col(SentAgain.prefix), col(SentAgain.kafka_partition), col(SentAgain.kafka_offset)
        )
        if not letters:
            return {}
        with Session(self._engine) as session:
            notes = session.exec(select(SentAgain).where(where.in_([one.address for one in letters]))).all()
        return {(one.cluster, one.prefix, one.kafka_partition, one.kafka_offset): one for one in notes}


def _is(letter: DeadLetter) -> ColumnElement[bool]:
    cluster, prefix, partition, offset = letter.address
    return (
        (col(SentAgain.cluster) == cluster)
        & (col(SentAgain.prefix) == prefix)
        & (col(SentAgain.kafka_partition) == partition)
        & (col(SentAgain.kafka_offset) == offset)
    )


_PATIENCE_SECONDS = 15.0

log = get_logger("console")


class NotSentError(AssayUserError):
    """Kafka does not accept records at the moment."""


@dataclass(frozen=True, slots=True)
class ResendOutcome:
    """How many were resent, and why the others were not."""

    sent: int
    refused: Mapping[tuple[str, str, int, int], str] = field(default_factory=dict)


class DeadLetterSender:
    """Resend dead letters, each once: the record is made before sending, and removed if Kafka fails.

    A letter that Kafka stored without acknowledging can be sent a second time. It has the same id and is superseded.
    """

    def __init__(self, settings: RuntimeSettings, archive: Engine, control: Engine) -> None:
        """Use this Kafka, archive and control database."""
        self._settings = settings
        self._archive = archive
        self.notes = ResendNotes(control)

    async def send(self, places: Sequence[DeadLetterAddress], *, by: str) -> ResendOutcome:
        """Resend these dead letters; raise NotSentError if Kafka does not answer."""
        letters = await asyncio.to_thread(read_whole, self._archive, places)
        projects: Collection[ProjectId] = await asyncio.to_thread(read_contracted, self._archive)
        checked = check_resendable(letters, projects=projects)
        refused = dict(checked.refused)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                sent = await self._send(checked.readable, by, refused)
        except (KafkaError, NoKafkaError, OSError, TimeoutError) as error:
            raise NotSentError(f"Kafka does not accept records: {str(error) or 'no answer'}. Try again.") from error
        log.info("dead_letters_resent", sent=sent, refused=len(refused), by=by)
        return ResendOutcome(sent, refused)

    async def _send(
        self, readable: Sequence[ResendableLetter], by: str, refused: dict[tuple[str, str, int, int], str]
    ) -> int:
        if not readable:
            return 0
        producer, sent = make_producer(self._settings), 0
        try:
            await producer.start()
            for one in readable:
                if await asyncio.to_thread(self.notes.reserve, one.letter, by, now=datetime.now(UTC)):
                    await self._send_one(producer, one)
                    sent += 1
                else:
                    refused[one.letter.address] = "already resent"
        finally:
            await stop_quietly(producer)
        return sent

    async def _send_one(self, producer: AIOKafkaProducer, one: ResendableLetter) -> None:
        place = one.letter.place
        headers = [("assay-sent-again", f"{place.partition}/{place.offset}".encode())]
        topic = self._settings.prefix + ANNOTATIONS.name
        try:
            await producer.send_and_wait(topic, one.letter.value, key=one.key, headers=headers)
        except BaseException:  # a timeout, too: in any case it was not acknowledged
            self.notes.release(one.letter)
            raise
        await asyncio.to_thread(self.notes.mark_sent, one.letter, now=datetime.now(UTC))
