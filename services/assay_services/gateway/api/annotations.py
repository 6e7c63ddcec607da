"""Receive annotations over the API: one object, an array, or NDJSON; every record has its own outcome."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request

from assay_schemas.annotation import Annotation
from assay_services.gateway.api.limits import BodyReader, ConcurrencyLimit
from assay_services.gateway.core.annotation_bodies import (
    MOST_RECORDS,
    Accepted,
    NotJsonError,
    RefusedRecord,
    TooManyRecordsError,
    judge,
    open_envelopes,
    split,
)
from assay_services.gateway.publisher import Publisher
from assay_services.web.rate_limit import RateLimitedError

_LINES_AT_ONCE = 500
_MOST_LISTED = MOST_RECORDS
_CLOUD_EVENTS = {"application/cloudevents+json", "application/cloudevents-batch+json"}
_JSON = {"application/json", *_CLOUD_EVENTS}
_NDJSON = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}


class RecordOutcome(BaseModel):
    """The outcome of one record. `place` counts from 0 in the body; for NDJSON it is the line number from 0."""

    place: int
    outcome: Literal["accepted", "rejected"]
    id: str | None = None
    field: str | None = None
    reason: str | None = None


class Receipt(BaseModel):
    """The outcome of a request. Accepted records are durable. `records` lists at most the first 10,000 outcomes."""

    accepted: int
    rejected: int
    records: list[RecordOutcome]


class AnnotationIntake:
    """Handle requests to `/v1/annotations`."""

    def __init__(self, publisher: Publisher, bodies: BodyReader, crowd: ConcurrencyLimit) -> None:
        """Publish to `publisher`, read bodies with `bodies`, and limit concurrent requests with `crowd`."""
        self._publisher = publisher
        self._bodies = bodies
        self._crowd = crowd

    async def accept(self, request: Request) -> Receipt:
        """Read a request and publish its annotations; raise RateLimitedError if it cannot be read or accepted."""
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media in _NDJSON:
            return await self._accept_lines(request)
        if media not in _JSON:
            wanted = "application/json (one annotation, or an array) or application/x-ndjson"
            raise RateLimitedError(415, f"the content type is '{media[:100]}'; wanted is {wanted}")
        async with self._bodies.whole(request) as body:
            try:
                records = open_envelopes(body) if media in _CLOUD_EVENTS else split(body)
            except NotJsonError as error:
                raise RateLimitedError(400, str(error)) from None
            except TooManyRecordsError as error:
                raise RateLimitedError(413, str(error)) from None
            answer = _Answer()
            for start in range(0, len(records), _LINES_AT_ONCE):
                some = records[start : start + _LINES_AT_ONCE]
                answer.add(await self._publish(some), [start + place for place in range(len(some))])
            return answer.receipt()

    async def _accept_lines(self, request: Request) -> Receipt:
        answer = _Answer()
        line = 0
        async for lines in self._bodies.lines(request, at_once=_LINES_AT_ONCE):
            numbered = [(line + place, one) for place, one in enumerate(lines) if one.strip()]
            found = await self._publish([one for _, one in numbered])
            answer.add(found, [place for place, _ in numbered])
            line += len(lines)
        return answer.receipt()

    async def _publish(self, records: Sequence[bytes]) -> list[RecordOutcome]:
        with self._crowd:
            judged = list(judge(records))
            await self._publisher.publish([one.row for one in judged if isinstance(one, Accepted)])
        return [_outcome(one) for one in judged]


def _outcome(judged: Accepted | RefusedRecord) -> RecordOutcome:
    if isinstance(judged, Accepted):
        return RecordOutcome(place=judged.place, outcome="accepted", id=judged.annotation.id)
    return RecordOutcome(place=judged.place, outcome="rejected", field=judged.field, reason=judged.reason)


class _Answer:
    """Collects the outcomes of a request: all are counted, the first ones are listed. It changes in place."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._listed: list[RecordOutcome] = []

    def add(self, outcomes: Sequence[RecordOutcome], places: Sequence[int]) -> None:
        """Add the outcomes of some records, which stand at these places of the request."""
        self._counts.update(one.outcome for one in outcomes)
        room = _MOST_LISTED - len(self._listed)
        self._listed += [one.model_copy(update={"place": places[one.place]}) for one in outcomes[:room]]

    def receipt(self) -> Receipt:
        """Return the answer."""
        return Receipt(accepted=self._counts["accepted"], rejected=self._counts["rejected"], records=self._listed)


def an_example() -> dict[str, object]:
    """Return an example annotation for the OpenAPI document."""
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
