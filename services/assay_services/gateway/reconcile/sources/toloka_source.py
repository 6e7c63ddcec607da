"""A Toloka pool: poll assignments by time of submission, and read all of them in sweeps."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from assay_services.gateway.core.decode_result import FetchTarget
from assay_services.gateway.core.platforms.coercion import JsonFields, at, fields, identifier, listing, moment
from assay_services.gateway.core.platforms.toloka import decode_assignment
from assay_services.gateway.reconcile.sources.http_client import Asking, Client, by_time, plain
from assay_services.gateway.reconcile.sources.source import Listed, Seen, Setting

_PAGE = 100
_HINTS = {
    401: "the token is not accepted; make one in Toloka under Profile, External Services Integration",
    403: "the token's user may not see this pool",
    404: "there is no such pool; its id stands in its address in Toloka",
}


class Toloka(Asking):
    """One pool. Later rejections, acceptances and skips cannot be polled by time: webhooks and sweeps find them."""

    kind = "assignment"
    by_thing = True
    polled = False

    def __init__(self, setting: Setting) -> None:
        """Connect with `setting`; a token with a prefix (`ApiKey …`) is sent unchanged."""
        token = setting.token if " " in setting.token else f"OAuth {setting.token}"
        super().__init__(Client("Toloka", setting.url, {"Authorization": token}, _HINTS))
        self._setting = setting

    async def check(self) -> None:
        """Raise PlatformError unless the pool exists and can be read."""
        await self._client.ask("GET", f"/api/v1/pools/{self._setting.number}")

    async def changed_since(self, watermark: str | None) -> AsyncIterator[Seen]:
        """Yield the assignments submitted since a watermark."""

        async def page(after: datetime | None, number: int) -> Sequence[JsonFields]:
            newer = {} if after is None else {"submitted_gt": _written(after)}
            # Toloka has no page numbers: if one millisecond has more assignments than a page, the sweep finds the rest.
            return [] if number > 1 else await self._assignments(sort="submitted", **newer)

        start = moment(watermark) or datetime(2000, 1, 1, tzinfo=UTC)
        async for one in by_time(page, start, field="submitted", size=_PAGE):
            yield self._seen(one)

    async def everything(self) -> AsyncIterator[Listed]:
        """Yield every assignment."""
        await self.check()
        last: dict[str, str] = {}
        while True:
            found = await self._assignments(sort="id", **last)
            for one in found:
                seen = self._seen(one)
                yield Listed(seen.id, seen.group, seen=seen)
            if len(found) < _PAGE or last.get("id_gt") == str(found[-1].get("id")):
                return
            last = {"id_gt": str(found[-1].get("id"))}

    async def one(self, wanted: FetchTarget) -> Seen | None:
        """Return one assignment."""
        name = plain(wanted.id) if wanted.kind == self.kind else None
        found = None if name is None else await self._client.ask("GET", f"/api/v1/assignments/{name}", missing=None)
        if found is None or identifier(at(found, "pool_id")) != self._setting.number:
            return None
        return self._seen(fields(found))

    async def _assignments(self, **more: str) -> Sequence[JsonFields]:
        asked = {"pool_id": self._setting.number, "limit": str(_PAGE), **more}
        found = await self._client.ask("GET", "/api/v1/assignments", params=asked)
        return [fields(row) for row in listing(at(found, "items"))]

    def _seen(self, assignment: JsonFields) -> Seen:
        name, submitted = str(identifier(assignment.get("id"))), moment(assignment.get("submitted"))
        found = decode_assignment(assignment, self._setting.asked)
        mark = None if submitted is None else submitted.isoformat()
        return Seen(name, name, found.annotations, watermark=mark, problems=found.problems, unread=found.unread)


def _written(moment_: datetime) -> str:
    """Return a time in Toloka's format: UTC without a zone, milliseconds."""
    return moment_.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
