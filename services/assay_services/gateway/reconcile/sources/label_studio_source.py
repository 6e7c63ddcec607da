"""A Label Studio project: poll tasks by time of change, and compare their numbers of annotations."""

from collections.abc import AsyncIterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from assay_services.gateway.core.decode_result import FetchTarget
from assay_services.gateway.core.platforms import label_studio
from assay_services.gateway.core.platforms.coercion import fields, identifier, listing, moment, number
from assay_services.gateway.reconcile.sources.http_client import plain
from assay_services.gateway.reconcile.sources.label_studio_api import LabelStudioApi
from assay_services.gateway.reconcile.sources.source import ApiFields, Listed, Registered, Seen, Setting

HEADER = "X-Assay-Secret"


class LabelStudio:
    """One project. A task's time of change moves with each annotation that is created, changed or deleted."""

    kind = "task"
    by_thing = False
    polled = True

    def __init__(self, setting: Setting) -> None:
        """Connect with `setting`."""
        self.api = LabelStudioApi(setting.url, setting.token)
        self._number = setting.number
        self._asked = setting.asked
        self._project: ApiFields | None = None

    async def __aenter__(self) -> Self:
        """Return the source."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.api.__aexit__(kind, error, trace)

    async def check(self) -> None:
        """Raise PlatformError unless the project exists and can be read."""
        self._project = await self.api.project(self._number)

    async def changed_since(self, watermark: str | None) -> AsyncIterator[Seen]:
        """Yield the tasks that changed."""
        if self._project is None:
            await self.check()
        async for task in self.api.tasks_changed_since(self._number, moment(watermark)):
            yield self._seen(task, self._project or {})

    async def everything(self) -> AsyncIterator[Listed]:
        """Yield every task with the number of its annotations."""
        await self.check()
        async for task in self.api.all_tasks(self._number):
            count = sum(int(number(task.get(name)) or 0) for name in ("total_annotations", "cancelled_annotations"))
            yield Listed(str(task.get("id")), label_studio.item_id(task, self._asked), count)

    async def one(self, wanted: FetchTarget) -> Seen | None:
        """Return one task."""
        task = plain(wanted.id) if wanted.kind == self.kind else None
        found = None if task is None else await self.api.task(task)
        if found is None or identifier(found.get("project")) != self._number:
            return None
        surely = self.api.surely(moment(found.get("updated_at")))
        if self._project is None:
            await self.check()
        return replace(self._seen(found, self._project or {}), changed_at=surely)

    async def register_webhook(self, url: str, secret: str) -> Registered | None:
        """Register a webhook that sends a secret in a header."""
        return Registered(await self.api.register_webhook(self._number, url, {HEADER: secret}))

    async def remove_webhook(self, webhook: str) -> None:
        """Delete the webhook."""
        await self.api.remove_webhook(webhook)

    def _seen(self, task: ApiFields, project: ApiFields) -> Seen:
        decoded = label_studio.decode_task(task, project, self._asked)
        ids = (identifier(fields(one).get("id")) for one in listing(task.get("annotations")))
        changed = task.get("updated_at")
        return Seen(
            id=str(task.get("id")),
            group=label_studio.item_id(task, self._asked),
            annotations=decoded.annotations,
            here=frozenset(one for one in ids if one is not None),
            changed_at=self.api.surely(moment(changed)),
            watermark=changed if isinstance(changed, str) else None,
            problems=decoded.problems,
            unread=decoded.unread,
            things=decoded.things,
        )
