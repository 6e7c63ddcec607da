"""Alerts as server-sent events: an event's id is its offset, so a client that reconnects resumes after it."""

from collections.abc import AsyncIterator

from aiokafka import TopicPartition
from pydantic import ValidationError

from assay_schemas.alert import Alert
from assay_schemas.annotation import ProjectId
from assay_schemas.topics import ALERTS
from assay_services.alerts.core.alert_events import read_alert
from assay_services.alerts.settings import AlertsSettings
from assay_services.engine.kafka import make_consumer
from assay_services.web.rate_limit import RateLimitedError

_POLL_MS = 1_000
_LONGEST_ID = 18


class Streams:
    """The open streams, each with its own consumer. Their number is limited."""

    def __init__(self, settings: AlertsSettings) -> None:
        """Read Kafka, and limit the number of streams, as `settings` say."""
        self._settings = settings
        self._open = 0

    def follow(self, last_event_id: str | None, *, project: ProjectId | None) -> AsyncIterator[bytes]:
        """Yield events from now on, or after the client's last event; raise RateLimitedError if no stream is free."""
        if self._open >= self._settings.alerts_streams:
            raise RateLimitedError(503, f"{self._open} streams are open; try again", retry_after=10)
        after = _offset(last_event_id)
        return self._events(after, project)

    async def _events(self, after: int | None, project: ProjectId | None) -> AsyncIterator[bytes]:
        consumer = make_consumer(self._settings, fetch_max_wait_ms=_POLL_MS)
        partition = TopicPartition(self._settings.prefix + ALERTS.name, 0)
        consumer.assign([partition])
        self._open += 1
        try:
            await consumer.start()
            if after is None:
                await consumer.seek_to_end(partition)
                after = await consumer.position(partition) - 1
            else:
                first = (await consumer.beginning_offsets([partition]))[partition]
                consumer.seek(partition, max(after + 1, first))
            # The browser remembers this id: a connection lost before the first event resumes from here.
            yield f"retry: 2000\nid: {after}\ndata:\n\n".encode()
            while True:
                found = await consumer.getmany(partition, timeout_ms=_POLL_MS, max_records=100)
                for record in found.get(partition, ()):
                    event = _event(record.offset, record.value, project)
                    if event is not None:
                        yield event
                if not found:
                    yield b": still here\n\n"
        finally:
            self._open -= 1
            await consumer.stop()


def _event(offset: int, value: bytes | None, project: ProjectId | None) -> bytes | None:
    try:
        alert: Alert = read_alert(value)
    except ValidationError:
        return None
    if project not in {None, alert.project}:
        return None
    return f"id: {offset}\nevent: {alert.state.value}\ndata: {alert.model_dump_json()}\n\n".encode()


def _offset(written: str | None) -> int | None:
    """Parse the id of an event; raise RateLimitedError if it is malformed."""
    if written is None or not written.strip():
        return None
    digits = written.strip().removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST_ID:
        raise RateLimitedError(400, "Last-Event-ID is the id of an event of this stream: a whole number")
    return int(written)
