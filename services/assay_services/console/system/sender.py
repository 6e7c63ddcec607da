"""Dead letters on their way back to Kafka."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import Engine

from assay_schemas.topics import ANNOTATIONS
from assay_services.console.system.dead_letter_resend import Notes, Readable, sort_out
from assay_services.engine.kafka import NoKafkaError, make_producer, stop_quietly
from assay_services.engine.logs import get_logger
from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.archive.queries.dead_letters import Place, read_whole
from assay_services.stores.archive.queries.projects import read_contracted

_PATIENCE_SECONDS = 15.0

log = get_logger("console")


class NotSentError(Exception):
    """Kafka does not take anything just now."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many were sent, and why the others were not."""

    sent: int
    refused: Mapping[tuple[str, str, int, int], str] = field(default_factory=dict)


class Sender:
    """Send dead letters again. Each is sent once: what was sent is noted before, and taken back where Kafka fails.

    A letter that Kafka took without saying so can be sent a second time: it has the same id, so it is superseded.
    """

    def __init__(self, settings: RuntimeSettings, archive: Engine, control: Engine) -> None:
        """Take where Kafka and the letters are."""
        self._settings = settings
        self._archive = archive
        self.notes = Notes(control)

    async def send(self, places: Sequence[Place], *, by: str) -> Outcome:
        """Send these again; raise NotSentError where Kafka does not answer."""
        letters = await asyncio.to_thread(read_whole, self._archive, places)
        projects: Collection[str] = await asyncio.to_thread(read_contracted, self._archive)
        found = sort_out(letters, projects=projects)
        refused = dict(found.refused)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                sent = await self._send(found.readable, by, refused)
        except (KafkaError, NoKafkaError, OSError, TimeoutError) as error:
            raise NotSentError(f"Kafka does not take it: {str(error) or 'it does not answer'}; try again") from error
        log.info("dead_letters_sent_again", sent=sent, refused=len(refused), by=by)
        return Outcome(sent, refused)

    async def _send(self, readable: Sequence[Readable], by: str, refused: dict[tuple[str, str, int, int], str]) -> int:
        if not readable:
            return 0
        producer, sent = make_producer(self._settings), 0
        try:
            await producer.start()
            for one in readable:
                if await asyncio.to_thread(self.notes.take, one.letter, by, now=datetime.now(UTC)):
                    await self._send_one(producer, one)
                    sent += 1
                else:
                    refused[one.letter.address] = "it was sent again already"
        finally:
            await stop_quietly(producer)
        return sent

    async def _send_one(self, producer: AIOKafkaProducer, one: Readable) -> None:
        place = one.letter.place
        headers = [("assay-sent-again", f"{place.partition}/{place.offset}".encode())]
        topic = self._settings.prefix + ANNOTATIONS.name
        try:
            await producer.send_and_wait(topic, one.letter.value, key=one.key, headers=headers)
        except BaseException:  # also where the patience is over: whatever it is, it was not sent
            self.notes.give_back(one.letter)
            raise
        await asyncio.to_thread(self.notes.sent, one.letter, now=datetime.now(UTC))
