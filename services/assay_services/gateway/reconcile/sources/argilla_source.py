"""An Argilla dataset: read all records with their responses in sweeps, and single ones named by webhooks.

A record's time of change does not always move with its responses, so polling by time would miss some.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from assay_services.gateway.core.decode_result import FetchTarget
from assay_services.gateway.core.platforms.argilla import decode_record, is_submitted, item_id
from assay_services.gateway.core.platforms.coercion import JsonFields, at, fields, identifier, listing
from assay_services.gateway.reconcile.sources.http_client import Asking, Client, by_page, plain
from assay_services.gateway.reconcile.sources.source import Listed, Registered, Seen, Setting

_PAGE = 250
_ABSENT = (404, 422)
_EVENTS = [
    "response.created", "response.updated", "response.deleted", "record.created", "record.updated", "record.deleted",
]  # fmt: skip
_HINTS = {
    401: "the API key is not accepted; it stands in Argilla under My settings",
    403: "the key's user may not see all responses: it has to be an owner, or an admin of the workspace",
    404: "there is no such dataset; its id stands in its address in Argilla",
    422: "it does not take that; for a webhook: a server has ten at most, and each address once",
}


class Argilla(Asking):
    """One dataset."""

    kind = "record"
    by_thing = False
    polled = False

    def __init__(self, setting: Setting) -> None:
        """Connect with `setting`."""
        super().__init__(Client("Argilla", setting.url, {"X-Argilla-Api-Key": setting.token}, _HINTS))
        self._setting = setting
        self._at = f"/api/v1/datasets/{setting.number}"
        self._dataset: dict[str, Any] | None = None

    async def check(self) -> None:
        """Raise PlatformError unless the dataset exists and can be read."""
        dataset = await self._client.ask("GET", self._at)
        questions = await self._client.ask("GET", f"{self._at}/questions")
        self._dataset = {**fields(dataset), "questions": listing(at(questions, "items"))}

    async def changed_since(self, watermark: str | None) -> AsyncIterator[Seen]:
        """Yield nothing: changes are found only by reading everything."""
        del watermark
        nothing: Sequence[Seen] = ()
        for seen in nothing:
            yield seen

    async def everything(self) -> AsyncIterator[Listed]:
        """Yield every record with its responses."""
        await self.check()

        async def page(number: int) -> Sequence[JsonFields]:
            asked = {"include": "responses", "limit": str(_PAGE), "offset": str(_PAGE * (number - 1))}
            found = await self._client.ask("GET", f"{self._at}/records", params=asked)
            return [fields(row) for row in listing(at(found, "items"))]

        async for record in by_page(page, size=_PAGE):
            seen = await self._seen(record)
            yield Listed(seen.id, seen.group, len(seen.here or ()), seen)

    async def one(self, wanted: FetchTarget) -> Seen | None:
        """Return one record with its responses; None also if the server is too old to return a single one."""
        name = plain(wanted.id) if wanted.kind == self.kind else None
        found = None if name is None else await self.record("id", name)
        return None if found is None else await self._seen(found)

    async def record(self, name: str, value: str) -> JsonFields | None:
        """Return the record whose property (`id`, `external_id`) has this value, or None."""
        scope = {"entity": "record", "property": name}
        filters = {"type": "and", "and": [{"type": "terms", "scope": scope, "values": [value]}]}
        asked = {"include": "responses", "limit": "1"}
        found = await self._client.ask(
            "POST", f"{self._at}/records/search", params=asked, json={"filters": filters}, missing={}, absent=_ABSENT
        )
        rows = listing(at(found, "items"))
        return fields(at(rows[0], "record")) if rows else None

    async def questions(self) -> Sequence[JsonFields]:
        """Return the dataset's questions."""
        if self._dataset is None:
            await self.check()
        return [fields(one) for one in listing(at(self._dataset, "questions"))]

    async def whole(self, record: str) -> JsonFields | None:
        """Return a record with its suggestions."""
        found = await self._client.ask("GET", f"/api/v1/records/{record}", missing=None)
        return None if found is None else fields(found)

    async def suggest(self, record: str, suggestion: JsonFields) -> None:
        """Set a record's suggestion, replacing the one for the same question."""
        await self._client.ask("PUT", f"/api/v1/records/{record}/suggestions", json=dict(suggestion))

    async def set_metadata(self, record: str, metadata: JsonFields) -> None:
        """Replace the record's metadata."""
        await self._client.ask("PATCH", f"/api/v1/records/{record}", json={"metadata": dict(metadata)})

    async def register_webhook(self, url: str, secret: str) -> Registered | None:
        """Register a webhook; Argilla chooses the secret."""
        del secret
        body = {"url": url, "events": _EVENTS, "description": "Assay"}
        made = await self._client.ask("POST", "/api/v1/webhooks", json=body)
        return Registered(str(at(made, "id")), str(at(made, "secret")))

    async def remove_webhook(self, webhook: str) -> None:
        """Delete the webhook."""
        await self._client.ask("DELETE", f"/api/v1/webhooks/{webhook}", missing=None)

    async def _seen(self, record: JsonFields) -> Seen:
        read_at = self._client.known_until
        await self.questions()
        found = decode_record(record, self._dataset or {}, self._setting.asked)
        said = [one for one in map(fields, listing(record.get("responses"))) if is_submitted(one)]
        ids = (identifier(one.get("id")) for one in said)
        return Seen(
            id=str(identifier(record.get("id"))),
            group=item_id(record, self._setting.asked),
            annotations=found.annotations,
            here=frozenset(one for one in ids if one is not None),
            changed_at=read_at,
            problems=found.problems,
            unread=found.unread,
            things=found.things,
        )
