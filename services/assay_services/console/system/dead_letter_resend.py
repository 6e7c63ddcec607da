"""Send dead letters again, after what killed them was mended: the same bytes, to the topic they came by."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import ColumnElement, Engine, delete, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from assay_schemas.annotation import Annotation
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
    """A dead letter that is an annotation by now, and its key, which leads it to the partition of its item."""

    letter: DeadLetter
    key: bytes


@dataclass(frozen=True, slots=True)
class ResendCheck:
    """What can be sent again, and why the others would only die again."""

    readable: Sequence[ResendableLetter]
    refused: Mapping[_LetterKey, str] = field(default_factory=dict)


def check_resendable(letters: Sequence[DeadLetter], *, projects: Collection[str]) -> ResendCheck:
    """Read dead letters again, with today's decoder and the projects that have a contract by now."""
    readable: list[ResendableLetter] = []
    refused: dict[_LetterKey, str] = {}
    for letter, found in zip(letters, decode([one.value for one in letters]), strict=True):
        if not isinstance(found, Annotation):
            refused[letter.address] = f"it would die again: {found.reason} ({found.field})"
        elif found.project not in projects:
            refused[letter.address] = f"project '{found.project}' has no contract yet: apply one first"
        else:
            readable.append(ResendableLetter(letter, found.key))
    return ResendCheck(readable, refused)


class ResendNotes:
    """What was sent again, by whom. Every method is a transaction of the control database, and blocks."""

    def __init__(self, engine: Engine) -> None:
        """Take the control database."""
        self._engine = engine

    def reserve(self, letter: DeadLetter, by: str, *, now: datetime) -> bool:
        """Note that a letter is about to be sent; False where somebody has sent it, or is just doing so.

        What was noted and never sent (the console was killed meanwhile) can be taken again after two minutes.
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
        """Note that Kafka has acknowledged it."""
        with self._engine.begin() as connection:
            connection.execute(update(SentAgain).where(_is(letter)).values(sent_at=now))

    def release(self, letter: DeadLetter) -> None:
        """Note that it was not sent after all."""
        with self._engine.begin() as connection:
            connection.execute(delete(SentAgain).where(_is(letter), col(SentAgain.sent_at).is_(None)))

    def of(self, letters: Sequence[DeadLetter]) -> Mapping[_LetterKey, SentAgain]:
        """Return what is noted of these letters."""
        where = tuple_(
            col(SentAgain.cluster), col(SentAgain.prefix), col(SentAgain.kafka_partition), col(SentAgain.kafka_offset)
        )
        if not letters:
            return {}
        with Session(self._engine) as session:
            found = session.exec(select(SentAgain).where(where.in_([one.address for one in letters]))).all()
        return {(one.cluster, one.prefix, one.kafka_partition, one.kafka_offset): one for one in found}


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
    """Kafka does not take anything just now."""


@dataclass(frozen=True, slots=True)
class ResendOutcome:
    """How many were sent, and why the others were not."""

    sent: int
    refused: Mapping[tuple[str, str, int, int], str] = field(default_factory=dict)


class DeadLetterSender:
    """Send dead letters again. Each is sent once: what was sent is noted before, and taken back where Kafka fails.

    A letter that Kafka took without saying so can be sent a second time: it has the same id, so it is superseded.
    """

    def __init__(self, settings: RuntimeSettings, archive: Engine, control: Engine) -> None:
        """Take where Kafka and the letters are."""
        self._settings = settings
        self._archive = archive
        self.notes = ResendNotes(control)

    async def send(self, places: Sequence[DeadLetterAddress], *, by: str) -> ResendOutcome:
        """Send these again; raise NotSentError where Kafka does not answer."""
        letters = await asyncio.to_thread(read_whole, self._archive, places)
        projects: Collection[str] = await asyncio.to_thread(read_contracted, self._archive)
        found = check_resendable(letters, projects=projects)
        refused = dict(found.refused)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                sent = await self._send(found.readable, by, refused)
        except (KafkaError, NoKafkaError, OSError, TimeoutError) as error:
            raise NotSentError(f"Kafka does not take it: {str(error) or 'it does not answer'}; try again") from error
        log.info("dead_letters_sent_again", sent=sent, refused=len(refused), by=by)
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
                    refused[one.letter.address] = "it was sent again already"
        finally:
            await stop_quietly(producer)
        return sent

    async def _send_one(self, producer: AIOKafkaProducer, one: ResendableLetter) -> None:
        place = one.letter.place
        headers = [("assay-sent-again", f"{place.partition}/{place.offset}".encode())]
        topic = self._settings.prefix + ANNOTATIONS.name
        try:
            await producer.send_and_wait(topic, one.letter.value, key=one.key, headers=headers)
        except BaseException:  # also where the patience is over: whatever it is, it was not sent
            self.notes.release(one.letter)
            raise
        await asyncio.to_thread(self.notes.mark_sent, one.letter, now=datetime.now(UTC))
