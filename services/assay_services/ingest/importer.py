"""Send files to Kafka: keyed, in order, resumable, and rate-limited."""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from aiokafka.partitioner import DefaultPartitioner

from assay_schemas.topics import ANNOTATIONS
from assay_services.engine.kafka import make_producer, send_all
from assay_services.engine.settings import RuntimeSettings
from assay_services.ingest.file_readers import InputRecord

_CHUNK = 500
_CHUNKS_A_SECOND = 20
"""Chunks per second at a given rate: smaller chunks wait less, but each is one transaction in every service."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How many lines of one file are in Kafka; stored in the folder, so an interrupted import can resume."""

    path: Path

    def read(self) -> int:
        """Return the last line that was sent; 0 if none was."""
        try:
            return int(json.loads(self.path.read_text())["line"])
        except FileNotFoundError:
            return 0

    def write(self, line: int) -> None:
        """Store the last line that was sent."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps({"line": line}))
        part.replace(self.path)

    def forget(self) -> None:
        """Delete the bookmark: the next import starts over."""
        self.path.unlink(missing_ok=True)


def bookmark_of(file: Path, settings: RuntimeSettings) -> Bookmark:
    """Return the bookmark of a file's current content; a changed file has another one."""
    about = file.stat()
    mark = f"{settings.prefix}\0{settings.kafka}\0{file.resolve()}\0{about.st_size}\0{about.st_mtime_ns}"
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
    choose, partitions = DefaultPartitioner(), list(range(settings.partitions))
    done, began, after = 0, time.monotonic(), 0 if bookmark is None else bookmark.read()
    chunk: dict[int, list[InputRecord]] = {}
    size = _CHUNK if rate is None else max(1, min(_CHUNK, int(rate / _CHUNKS_A_SECOND)))

    async def flush(last: int, count: int) -> None:
        topic = settings.prefix + ANNOTATIONS.name
        sending = [
            future
            for number, waiting in chunk.items()
            for future in await send_all(producer, number, [(topic, one.key, one.value, []) for one in waiting])
        ]
        await asyncio.gather(*sending)
        chunk.clear()
        if bookmark is not None:
            bookmark.write(last)
        sent(count)

    try:
        waiting, last = 0, after
        for record in records:
            if record.line <= after:
                continue
            chunk.setdefault(choose(record.key, partitions, partitions), []).append(record)
            waiting, last = waiting + 1, record.line
            if waiting == size:
                await flush(last, waiting)
                done, waiting = done + waiting, 0
                if rate is not None:
                    await asyncio.sleep(max(0.0, began + done / rate - time.monotonic()))
        if waiting:
            await flush(last, waiting)
        return done + waiting
    finally:
        await producer.stop()
