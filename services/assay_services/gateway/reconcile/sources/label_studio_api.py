"""The parts of Label Studio's REST API that Assay uses: changes, listings, webhooks, writing back."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import orjson

from assay_schemas.json_data import Json
from assay_services.gateway.core.platforms.coercion import at, fields, identifier, listing
from assay_services.gateway.reconcile.sources.http_client import RAISE, Client, PlatformError, by_page, by_time
from assay_services.gateway.reconcile.sources.source import ApiFields

_PAGE = 100
_TOKEN_SECONDS = 200.0
_PARTS_OF_JWT = 3
_ACTIONS = [
    "ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "TASKS_CREATED",
    "TASKS_DELETED",
]  # fmt: skip
_HINTS = {
    401: "the token is not accepted: a legacy token must be allowed in the organization's settings, or take a "
    "personal access token (Account & Settings)",
    403: "this user may not do that; for a webhook it may also be Label Studio's guard against private addresses "
    "(SSRF_PROTECTION_ENABLED, USE_DEFAULT_BANNED_SUBNETS)",
    404: "there is no such thing; check the address and the project's number",
}


class LabelStudioApi:
    """A client of one Label Studio. Every method raises PlatformError."""

    def __init__(self, url: str, token: str) -> None:
        """Call `url` with an API token: a personal access token, or a legacy one."""
        self._token = token
        self._access, self._access_until = "", 0.0
        self._client = Client("Label Studio", url, {}, _HINTS)

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self._client.close()

    def surely(self, changed: datetime | None) -> datetime | None:
        """Return the time up to which the last response is known to be complete, given the thing's time of change."""
        return self._client.surely(changed)

    async def project(self, project: str) -> ApiFields:
        """Return a project with its label config."""
        return fields(await self._ask("GET", f"/api/projects/{project}/"))

    async def projects(self) -> AsyncIterator[str]:
        """Yield the id of every project."""

        async def page(number: int) -> Sequence[ApiFields]:
            asked = {"page": str(number), "page_size": str(_PAGE)}
            return _rows(await self._ask("GET", "/api/projects/", params=asked, missing={}), "results")

        async for project in by_page(page, size=_PAGE):
            yield str(project.get("id"))

    async def me(self) -> str:
        """Return the id of the token's user."""
        return str(at(await self._ask("GET", "/api/current-user/whoami"), "id"))

    def tasks_changed_since(self, project: str, since: datetime | None) -> AsyncIterator[ApiFields]:
        """Yield the tasks that changed after a time, the oldest change first, with all their annotations."""

        async def page(after: datetime | None, number: int) -> Sequence[ApiFields]:
            query: dict[str, Any] = {"ordering": ["tasks:updated_at"]}
            if after is not None:
                value = after.strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # the only format it accepts
                newer = {"filter": "filter:tasks:updated_at", "operator": "greater", "type": "Datetime", "value": value}
                query["filters"] = {"conjunction": "and", "items": [newer]}
            return await self._tasks(project, number, fields="all", query=orjson.dumps(query).decode())

        return by_time(page, since, field="updated_at", size=_PAGE)

    def all_tasks(self, project: str) -> AsyncIterator[ApiFields]:
        """Yield every task, without its annotations."""
        return by_page(lambda number: self._tasks(project, number, fields="task_only"), size=_PAGE)

    async def _tasks(self, project: str, number: int, **parameters: str) -> Sequence[ApiFields]:
        asked = {"project": project, "page": str(number), "page_size": str(_PAGE), **parameters}
        return _rows(await self._ask("GET", "/api/tasks", params=asked, missing={}), "tasks")

    async def register_webhook(self, project: str, url: str, headers: Mapping[str, str]) -> str:
        """Register a webhook for everything about annotations; return its id."""
        body = {
            "url": url, "project": int(project), "send_payload": True, "send_for_all_actions": False,
            "actions": _ACTIONS, "headers": dict(headers), "is_active": True,
        }  # fmt: skip
        return str(at(await self._ask("POST", "/api/webhooks/", json=body), "id"))

    async def remove_webhook(self, webhook: str) -> None:
        """Delete a webhook; do nothing if it does not exist."""
        await self._ask("DELETE", f"/api/webhooks/{webhook}/", missing={})

    async def set_meta(self, task: str, meta: ApiFields) -> None:
        """Replace the task's meta."""
        await self._ask("PATCH", f"/api/tasks/{task}/", json={"meta": dict(meta)})

    async def set_overlap(self, task: str, overlap: int) -> None:
        """Set how many annotations a task should get."""
        await self._ask("PATCH", f"/api/tasks/{task}/", json={"overlap": overlap})

    async def predict(self, task: str, result: Sequence[ApiFields], score: float | None, version: str) -> str:
        """Add a prediction to a task; return its id."""
        body = {"task": int(task), "result": list(result), "score": score, "model_version": version}
        return str(at(await self._ask("POST", "/api/predictions/", json=body), "id"))

    async def remove_prediction(self, prediction: str) -> None:
        """Delete a prediction; do nothing if it does not exist."""
        await self._ask("DELETE", f"/api/predictions/{prediction}/", missing={})

    async def task(self, task: str) -> ApiFields | None:
        """Return one task, or None if it does not exist."""
        found = await self._ask("GET", f"/api/tasks/{task}/", missing=None)
        return None if found is None else fields(found)

    async def _ask(self, method: str, path: str, *, missing: Json = RAISE, **rest: Json) -> Json:
        headers = await self._authorization()
        return await self._client.ask(method, path, missing=missing, headers=headers, **rest)

    async def _authorization(self) -> Mapping[str, str]:
        if self._token.count(".") + 1 != _PARTS_OF_JWT:
            return {"Authorization": f"Token {self._token}"}
        if time.monotonic() >= self._access_until:
            found = await self._client.ask("POST", "/api/token/refresh/", json={"refresh": self._token})
            access = identifier(at(found, "access")) or at(found, "access")
            if not isinstance(access, str):
                raise PlatformError("Label Studio refuses this token; create a new one")
            self._access = access
            self._access_until = time.monotonic() + _TOKEN_SECONDS
        return {"Authorization": f"Bearer {self._access}"}


def _rows(answer: object, name: str) -> Sequence[ApiFields]:
    return [fields(row) for row in listing(at(answer, name))]
