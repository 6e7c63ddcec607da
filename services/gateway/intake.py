"""Take annotations that are sent over the API: one, an array, or line by line; each has its own outcome."""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request

from schemas.annotation import Annotation
from services.gateway.core import Accepted, NotJsonError, Refused, judge, split
from services.gateway.limits import RefusedError, read_body, read_parts
from services.gateway.publisher import Publisher
from services.gateway.settings import GatewaySettings

_LINES_AT_ONCE = 500
_JSON = {"application/json", "application/cloudevents+json"}
_NDJSON = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}


class RecordOutcome(BaseModel):
    """What became of one record. `place` counts from 0 in the body; for NDJSON it is the line."""

    place: int
    outcome: Literal["accepted", "rejected"]
    id: str | None = None
    field: str | None = None
    reason: str | None = None


class Receipt(BaseModel):
    """What became of a request. What is accepted is durable."""

    accepted: int
    rejected: int
    records: list[RecordOutcome]


class Intake:
    """Read requests to `/v1/annotations`."""

    def __init__(self, publisher: Publisher, settings: GatewaySettings) -> None:
        """Take where records go, and the limits."""
        self._publisher = publisher
        self._settings = settings

    async def take(self, request: Request) -> Receipt:
        """Read a request and publish what is in it; raise RefusedError where it is nothing of ours."""
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media in _NDJSON:
            return await self._take_lines(request)
        if media not in _JSON:
            wanted = "application/json (one annotation, or an array) or application/x-ndjson"
            raise RefusedError(415, f"the content type is '{media[:100]}'; wanted is {wanted}")
        settings = self._settings
        body = await read_body(request, largest=settings.largest_body_bytes, seconds=settings.body_seconds)
        try:
            records = split(body)
        except NotJsonError as error:
            raise RefusedError(400, str(error)) from None
        return _receipt(await self._publish(records, first=0))

    async def _take_lines(self, request: Request) -> Receipt:
        outcomes: list[RecordOutcome] = []
        line = 0
        async for lines in self._lines(request):
            numbered = [(line + place, one) for place, one in enumerate(lines) if one.strip()]
            found = await self._publish([one for _, one in numbered], first=0)
            places = [place for place, _ in numbered]
            outcomes += [one.model_copy(update={"place": places[one.place]}) for one in found]
            line += len(lines)
        return _receipt(outcomes)

    async def _lines(self, request: Request) -> AsyncIterator[list[bytes]]:
        """Yield the lines as they come, many at once; the last need not end."""
        settings = self._settings
        rest, lines = b"", list[bytes]()
        async for part in read_parts(request, largest=settings.largest_stream_bytes, seconds=settings.body_seconds):
            *whole, rest = (rest + part).split(b"\n")
            if len(rest) > settings.largest_body_bytes:
                raise RefusedError(413, f"a line has more than {settings.largest_body_bytes:,} bytes")
            lines += whole
            while len(lines) >= _LINES_AT_ONCE:
                yield lines[:_LINES_AT_ONCE]
                lines = lines[_LINES_AT_ONCE:]
        if lines or rest:
            yield [*lines, *([rest] if rest else [])]

    async def _publish(self, records: Sequence[bytes], *, first: int) -> list[RecordOutcome]:
        judged = list(judge(records, first=first))
        await self._publisher.publish([one.row for one in judged if isinstance(one, Accepted)])
        return [_outcome(one) for one in judged]


def _outcome(judged: Accepted | Refused) -> RecordOutcome:
    if isinstance(judged, Accepted):
        return RecordOutcome(place=judged.place, outcome="accepted", id=judged.annotation.id)
    return RecordOutcome(place=judged.place, outcome="rejected", field=judged.field, reason=judged.reason)


def _receipt(outcomes: Sequence[RecordOutcome]) -> Receipt:
    accepted = sum(one.outcome == "accepted" for one in outcomes)
    return Receipt(accepted=accepted, rejected=len(outcomes) - accepted, records=list(outcomes))


def an_example() -> dict[str, object]:
    """Return an annotation as it may be sent: for the OpenAPI document."""
    found = Annotation.model_validate(
        {
            "id": "a17-204-1",
            "project": "ads-safety",
            "item": {"id": "i-204", "text": "You have won a prize", "attributes": {"market": "BR"}},
            "annotator": {"id": "a17"},
            "label": "scam",
            "occurred_at": "2026-11-24T02:45:08.153Z",
            "lead_time_seconds": 12.3,
        }
    )
    return found.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
