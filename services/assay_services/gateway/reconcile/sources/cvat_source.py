"""A CVAT project: poll jobs by time of change, and compare each with its stored copy."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

import orjson

from assay_services.gateway.core.decode_result import FetchTarget
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    at,
    fields,
    identifier,
    listing,
    moment,
    text_or_empty,
    whole,
)
from assay_services.gateway.core.platforms.cvat import FetchedJob, decode_job, frames_of
from assay_services.gateway.reconcile.sources.http_client import Asking, Client, by_page, by_time, plain
from assay_services.gateway.reconcile.sources.source import Listed, Registered, Seen, Setting

_PAGE = 100
_MOST_LOOKS = 3
_EVENTS = {"update:job", "create:job", "delete:job", "create:task", "delete:task"}
_PARTS = ("tags", "shapes", "tracks")
_HINTS = {
    401: "the token is not accepted; make one under your name, Profile, or with POST /api/auth/login",
    403: "the token's user may not do that: it has to be a maintainer of the project's organization",
}


class Cvat(Asking):
    """One project. A copy of each job is stored, because CVAT records neither the author nor the time of a shape."""

    kind = "job"
    by_thing = True
    polled = True

    def __init__(self, setting: Setting) -> None:
        """Connect with `setting`; a token with a prefix (`Bearer …`) is sent unchanged."""
        token = setting.token if " " in setting.token else f"Token {setting.token}"
        super().__init__(Client("CVAT", setting.url, {"Authorization": token}, _HINTS))
        self._setting = setting
        self._labels: Mapping[int, str] | None = None

    async def check(self) -> None:
        """Raise PlatformError unless the project exists and can be read."""
        await self._client.ask("GET", f"/api/projects/{self._setting.number}")

    async def changed_since(self, watermark: str | None) -> AsyncIterator[Seen]:
        """Yield the jobs that changed."""

        async def page(after: datetime | None, number: int) -> Sequence[JsonFields]:
            newer: dict[str, str] = {}
            if after is not None:
                rule = {"and": [{">": [{"var": "updated_date"}, after.isoformat()]}]}
                newer["filter"] = orjson.dumps(rule).decode()
            return await self._jobs(number, sort="updated_date", **newer)

        async for job in by_time(page, moment(watermark), field="updated_date", size=_PAGE):
            found = await self._read(job, None)
            if found is not None:
                yield found

    async def everything(self) -> AsyncIterator[Listed]:
        """Yield every job."""
        await self.check()
        async for job in by_page(lambda number: self._jobs(number, sort="id"), size=_PAGE):
            name = str(identifier(job.get("id")))
            yield Listed(name, name)

    async def one(self, wanted: FetchTarget) -> Seen | None:
        """Return one job."""
        name = plain(wanted.id) if wanted.kind == self.kind else None
        job = None if name is None else await self._job(name)
        if job is None or identifier(job.get("project_id")) != self._setting.number:
            return None
        return await self._read(job, wanted.by)

    async def register_webhook(self, url: str, secret: str) -> Registered | None:
        """Register a webhook for events of jobs and tasks, as far as this CVAT version has them."""
        there = await self._client.ask("GET", "/api/webhooks/events", params={"type": "project"})
        body = {
            "target_url": url, "description": "Assay", "type": "project", "project_id": int(self._setting.number),
            "content_type": "application/json", "secret": secret, "is_active": True,
            "enable_ssl": url.startswith("https://"),
            "events": sorted(_EVENTS & {text_or_empty(one) for one in listing(at(there, "events"))}),
        }  # fmt: skip
        return Registered(str(at(await self._client.ask("POST", "/api/webhooks", json=body), "id")))

    async def remove_webhook(self, webhook: str) -> None:
        """Delete the webhook."""
        await self._client.ask("DELETE", f"/api/webhooks/{webhook}", missing=None)

    async def _jobs(self, number: int, **more: str) -> Sequence[JsonFields]:
        asked = {"project_id": self._setting.number, "page": str(number), "page_size": str(_PAGE), **more}
        found = await self._client.ask("GET", "/api/jobs", params=asked, missing={})
        return [fields(row) for row in listing(at(found, "results"))]

    async def _job(self, name: str) -> JsonFields | None:
        found = await self._client.ask("GET", f"/api/jobs/{name}", missing=None)
        return None if found is None else fields(found)

    async def _read(self, job: JsonFields, by: str | None) -> Seen | None:
        """Read a job between two reads of its time of change; None if it is deleted or keeps changing.

        Otherwise a change saved meanwhile would get the earlier time.
        """
        name = str(identifier(job.get("id")))
        for _ in range(_MOST_LOOKS):
            annotations = await self._client.ask("GET", f"/api/jobs/{name}/annotations", missing=None)
            again = await self._job(name)
            if annotations is None or again is None:
                return None
            if again.get("updated_date") == job.get("updated_date"):
                return await self._seen(name, job, fields(annotations), by)
            job = again
        return None

    async def _seen(self, name: str, job: JsonFields, annotations: JsonFields, by: str | None) -> Seen:
        who, changed = by or self._setting.asked.default.annotator, text_or_empty(job.get("updated_date"))
        assigned = identifier(at(job, "assignee.id")) or identifier(job.get("assignee"))
        kept = {part: listing(annotations.get(part)) for part in _PARTS}
        copy = self._setting.copy_of(name)
        if assigned is None and who is None and (any(kept.values()) or copy is not None):
            said = f"job {name} has no assignee: assign it in CVAT, or connect it with --set annotator=…"
            return Seen(name, name, (), watermark=changed, problems=(said,))
        meta = await self._client.ask("GET", f"/api/jobs/{name}/data/meta", missing={})
        fetched = FetchedJob(
            job=job,
            annotations=kept,
            last=None if copy is None else orjson.loads(copy),
            labels=await self._names(),
            frames=frames_of(fields(meta)),
            saved_by=who,
        )
        found = decode_job(fetched, self._setting.asked)
        return Seen(
            name, name, found.annotations, watermark=changed, copy=orjson.dumps(kept), problems=found.problems,
            unread=found.unread,
        )  # fmt: skip

    async def _names(self) -> Mapping[int, str]:
        if self._labels is None:

            async def page(number: int) -> Sequence[JsonFields]:
                asked = {"project_id": self._setting.number, "page": str(number), "page_size": str(_PAGE)}
                found = await self._client.ask("GET", "/api/labels", params=asked, missing={})
                return [fields(row) for row in listing(at(found, "results"))]

            found: dict[int, str] = {}
            async for row in by_page(page, size=_PAGE):
                number, name = whole(row.get("id")), text_or_empty(row.get("name"))
                if number is not None and name:
                    found[number] = name
            self._labels = found
        return self._labels
