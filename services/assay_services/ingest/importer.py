"""Send files to Kafka: keyed, in order, resumable, and rate-limited."""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from assay_schemas.topics import ANNOTATIONS, LARGEST_MESSAGE_BYTES, UNREADABLE_HEADER
from assay_services.engine.core.core_api import Headers
from assay_services.engine.kafka import make_producer, send_all
from assay_services.engine.settings import RuntimeSettings
from assay_services.ingest.input_record import InputError, InputRecord
from assay_services.ingest.read_options import ReadOptions

_NO_OPTIONS = ReadOptions()
_LARGEST_RECORD_BYTES = LARGEST_MESSAGE_BYTES - 64 * 1024  # a batch has a header of its own
_CHUNK = 500
_CHUNKS_A_SECOND = 20
"""Chunks per second at a given rate: smaller chunks wait less, but each is one transaction in every service."""


class ImportedPart(NamedTuple):
    """The part of a file that is in Kafka: so many records, and everything up to a line (as earlier versions noted)."""

    records: int = 0
    line: int = 0

    def has(self, number: int, record: InputRecord) -> bool:
        """Return whether a record is in Kafka; `number` is its place in the file, from 1."""
        return number <= self.records or record.line <= self.line


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Which part of one file is in Kafka; stored in the folder, so an interrupted import can resume."""

    path: Path

    def read(self) -> ImportedPart:
        """Return the part that was sent."""
        try:
            found = json.loads(self.path.read_text())
        except FileNotFoundError:
            return ImportedPart()
        return ImportedPart(int(found.get("records", 0)), int(found.get("line", 0)))

    def write(self, part: ImportedPart) -> None:
        """Store the part that was sent."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(".part")
        written.write_text(json.dumps(part._asdict()))
        written.replace(self.path)

    def forget(self) -> None:
        """Delete the bookmark: the next import starts over."""
        self.path.unlink(missing_ok=True)


def bookmark_of(file: Path, settings: RuntimeSettings, options: ReadOptions = _NO_OPTIONS) -> Bookmark:
    """Return the bookmark of a file's current content; a changed file, or other options, have another one."""
    about = file.stat()
    mark = f"{settings.prefix}\0{settings.kafka}\0{file.resolve()}\0{about.st_size}\0{about.st_mtime_ns}"
    mark += options.mark
    name = hashlib.blake2b(mark.encode(), digest_size=8).hexdigest()
    return Bookmark(settings.folder / "imports" / f"{name}.json")


async def send_records(
    records: Iterable[InputRecord],
    settings: RuntimeSettings,
    *,
    bookmark: Bookmark | None,
    rate: float | None,
    sent: Callable[[int], None],
) -> int:
    """Send every record after the bookmark to `annotations`; return how many. `rate` is in records per second."""
    producer = make_producer(settings)
    await producer.start()
    sender = _Sender(producer, settings, bookmark, sent)
    began = time.monotonic()
    size = _CHUNK if rate is None else max(1, min(_CHUNK, int(rate / _CHUNKS_A_SECOND)))
    try:
        there = ImportedPart() if bookmark is None else bookmark.read()
        for number, record in enumerate(records, 1):
            if there.has(number, record):
                continue
            sender.add(record, ImportedPart(number, there.line))
            if sender.waiting == size:
                await sender.flush()
                if rate is not None:
                    await asyncio.sleep(max(0.0, began + sender.done / rate - time.monotonic()))
        await sender.flush()
        return sender.done
    finally:
        await producer.stop()


class _Sender:
    """Sends records in chunks, and moves the bookmark after each."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        settings: RuntimeSettings,
        bookmark: Bookmark | None,
        sent: Callable[[int], None],
    ) -> None:
        self._producer, self._bookmark, self._sent = producer, bookmark, sent
        self._topic = settings.prefix + ANNOTATIONS.name
        self._choose, self._partitions = DefaultPartitioner(), list(range(settings.partitions))
        self._chunk: dict[int, list[tuple[str, bytes | None, bytes, Headers]]] = {}
        self._last = ImportedPart()
        self.waiting = self.done = 0

    def add(self, record: InputRecord, last: ImportedPart) -> None:
        """Add a record; with it, `last` will be in Kafka. Raise InputError if Kafka cannot take it."""
        size = len(record.value) + len(record.key or b"") + len(record.problem or "") * 4
        if size > _LARGEST_RECORD_BYTES:
            raise InputError(
                f"line {record.line}: the record has {size:,} bytes; Kafka takes at most {_LARGEST_RECORD_BYTES:,}. "
                "Shorten it, and import the file again"
            )
        number = self._choose(record.key, self._partitions, self._partitions)
        headers: Headers = [] if record.problem is None else [(UNREADABLE_HEADER, record.problem.encode())]
        self._chunk.setdefault(number, []).append((self._topic, record.key, record.value, headers))
        self.waiting, self._last = self.waiting + 1, last

    async def flush(self) -> None:
        """Send what is waiting, and wait until Kafka has it."""
        if not self.waiting:
            return
        sending = [
            future
            for number, waiting in self._chunk.items()
            for future in await send_all(self._producer, number, waiting)
        ]
        await asyncio.gather(*sending)
        if self._bookmark is not None:
            self._bookmark.write(self._last)
        self._sent(self.waiting)
        self._chunk.clear()
        self.done, self.waiting = self.done + self.waiting, 0
