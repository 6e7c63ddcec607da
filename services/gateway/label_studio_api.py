"""Label Studio's REST API, as far as it is needed: what changed, everything there is, webhooks, writing back."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

_PAGE = 100
_SECONDS = 60.0
_TOKEN_SECONDS = 200.0
_PARTS_OF_JWT = 3
_NOT_FOUND = 404
_ACTIONS = [
    "ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "TASKS_CREATED",
    "TASKS_DELETED",
]  # fmt: skip

Fields = Mapping[str, Any]


class PlatformError(Exception):
    """The platform does not answer as it should; the message says what it did, and what to look at."""


class LabelStudio:
    """A client of one Label Studio. Raise PlatformError from everything."""

    def __init__(self, url: str, token: str) -> None:
        """Take the address and an API token: a personal access token, or a legacy one."""
        self._token = token
        self._access, self._access_until = "", 0.0
        self._http = httpx.AsyncClient(base_url=url.rstrip("/"), timeout=_SECONDS, follow_redirects=False)

    async def __aenter__(self) -> Self:
        """Open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self._http.aclose()

    async def project(self, project: str) -> Fields:
        """Return a project, its label config included."""
        found: Fields = await self._ask("GET", f"/api/projects/{project}/")
        return found

    async def projects(self) -> AsyncIterator[str]:
        """Yield the number of every project."""
        page = 1
        while True:
            asked = {"page": str(page), "page_size": str(_PAGE)}
            found = await self._ask("GET", "/api/projects/", params=asked, missing={"results": [], "next": None})
            for project in found["results"]:
                yield str(project["id"])
            if not found["next"]:
                return
            page += 1

    async def me(self) -> str:
        """Return the id of the user whose token this is."""
        return str((await self._ask("GET", "/api/current-user/whoami"))["id"])

    async def tasks_changed_since(self, project: str, watermark: str | None) -> AsyncIterator[Fields]:
        """Yield the tasks that changed after a time, the oldest change first, with all their annotations."""
        query: dict[str, Any] = {"ordering": ["tasks:updated_at"]}
        if watermark is not None:
            after = {
                "filter": "filter:tasks:updated_at",
                "operator": "greater",
                "type": "Datetime",
                "value": watermark,
            }
            query["filters"] = {"conjunction": "and", "items": [after]}
        async for task in self._tasks(project, fields="all", query=orjson.dumps(query).decode()):
            yield task

    async def all_tasks(self, project: str) -> AsyncIterator[Fields]:
        """Yield every task, without its annotations."""
        async for task in self._tasks(project, fields="task_only"):
            yield task

    async def _tasks(self, project: str, **parameters: str) -> AsyncIterator[Fields]:
        page, seen = 1, 0
        while True:
            asked = {"project": project, "page": str(page), "page_size": str(_PAGE), **parameters}
            found = await self._ask("GET", "/api/tasks", params=asked, missing={"tasks": [], "total": 0})
            for task in found["tasks"]:
                yield task
            seen += len(found["tasks"])
            if not found["tasks"] or seen >= int(found["total"]):
                return
            page += 1

    async def register_webhook(self, project: str, url: str, headers: Mapping[str, str]) -> str:
        """Register a webhook for everything about annotations; return its id."""
        body = {
            "url": url, "project": int(project), "send_payload": True, "send_for_all_actions": False,
            "actions": _ACTIONS, "headers": dict(headers), "is_active": True,
        }  # fmt: skip
        return str((await self._ask("POST", "/api/webhooks/", json=body))["id"])

    async def remove_webhook(self, webhook: str) -> None:
        """Take a webhook away; nothing happens if it is gone already."""
        await self._ask("DELETE", f"/api/webhooks/{webhook}/", missing={})

    async def webhooks(self) -> Sequence[Fields]:
        """Return the webhooks that are registered."""
        found: Sequence[Fields] = await self._ask("GET", "/api/webhooks/")
        return found

    async def set_meta(self, task: str, meta: Fields) -> None:
        """Let this be the task's meta."""
        await self._ask("PATCH", f"/api/tasks/{task}/", json={"meta": dict(meta)})

    async def set_overlap(self, task: str, overlap: int) -> None:
        """Ask for so many annotations of a task."""
        await self._ask("PATCH", f"/api/tasks/{task}/", json={"overlap": overlap})

    async def predict(self, task: str, result: Sequence[Fields], score: float | None, version: str) -> str:
        """Give a task a prediction; return its id."""
        body = {"task": int(task), "result": list(result), "score": score, "model_version": version}
        return str((await self._ask("POST", "/api/predictions/", json=body))["id"])

    async def remove_prediction(self, prediction: str) -> None:
        """Take a prediction away; nothing happens if it is gone already."""
        await self._ask("DELETE", f"/api/predictions/{prediction}/", missing={})

    async def task(self, task: str) -> Fields | None:
        """Return one task, or None where it is gone."""
        found: Fields | None = await self._ask("GET", f"/api/tasks/{task}/", missing=None)
        return found

    async def _ask(self, method: str, path: str, *, missing: Any = "raise", **rest: Any) -> Any:  # noqa: ANN401
        try:
            answer = await self._http.request(method, path, headers=await self._authorization(), **rest)
        except httpx.HTTPError as error:
            raise PlatformError(f"Label Studio at {self._http.base_url} cannot be reached: {error!r}") from error
        if answer.status_code == _NOT_FOUND and missing != "raise":
            return missing
        if not answer.is_success:
            raise PlatformError(_complaint(method, path, answer))
        try:
            return orjson.loads(answer.content) if answer.content else {}
        except orjson.JSONDecodeError:
            raise PlatformError(
                f"{method} {path}: the answer is no JSON; is {self._http.base_url} a Label Studio?"
            ) from None

    async def _authorization(self) -> Mapping[str, str]:
        if self._token.count(".") + 1 != _PARTS_OF_JWT:
            return {"Authorization": f"Token {self._token}"}
        if time.monotonic() >= self._access_until:
            answer = await self._http.post("/api/token/refresh/", json={"refresh": self._token})
            if not answer.is_success:
                raise PlatformError(_complaint("POST", "/api/token/refresh/", answer))
            self._access = str(answer.json()["access"])
            self._access_until = time.monotonic() + _TOKEN_SECONDS
        return {"Authorization": f"Bearer {self._access}"}


def _complaint(method: str, path: str, answer: httpx.Response) -> str:
    said = f"Label Studio answered {answer.status_code} to {method} {path}"
    hints = {
        401: "the token is not accepted: a legacy token must be allowed in the organization's settings, or take a "
        "personal access token (Account & Settings)",
        403: "this user may not do that; for a webhook it may also be Label Studio's guard against private addresses "
        "(SSRF_PROTECTION_ENABLED, USE_DEFAULT_BANNED_SUBNETS)",
        404: "there is no such thing; check the address and the project's number",
    }
    hint = hints.get(answer.status_code)
    return said if hint is None else f"{said}: {hint}"
