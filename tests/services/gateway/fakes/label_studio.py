"""Label Studio: one project of choices. People may annotate a task several times; deletions name only ids."""

import random
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.services.gateway.fakes.platform import LABELS, TOKEN, Fake, Live, not_found, numbered, zulu
from tests.services.gateway.payloads import TEXT_CONFIG, choices

PROJECT = {"id": 3, "title": "Tickets", "label_config": TEXT_CONFIG, "token": "a-project-token"}


class FakeLabelStudio(Fake):
    """Tasks 1 and up, users 101 and up."""

    platform = "label-studio"
    number = "3"
    token_value = f"Token {TOKEN}"

    def __init__(self, *, items: int = 6, people: int = 3) -> None:
        self.tasks: dict[int, dict[str, Any]] = {}
        self._last = 1_000
        super().__init__(items=items, people=people)
        for item in range(items):
            self.tasks[item + 1] = {
                "id": item + 1, "project": 3, "data": {"text": f"text {item}"} | self.own(item), "annotations": [],
                "meta": {}, "updated_at": zulu(self.tick()),
            }  # fmt: skip

    def own(self, item: int) -> dict[str, str]:  # noqa: ARG002  # those of others
        """Return the item's own id in a task's data."""
        return {}

    def item_of(self, task: dict[str, Any]) -> str:
        """Return the id of a task's item with us."""
        return str(task["id"])

    def say(self, who: int, item: int, choice: int) -> None:
        task = self.tasks.get(item + 1)
        if task is None:
            return
        now, mine = zulu(self.tick()), self._mine(task, who)
        if mine and choice == 0:
            mine[-1].update(result=[choices(LABELS[choice])], updated_at=now, was_cancelled=False)
            self._changed(task, "ANNOTATION_UPDATED", mine[-1])
            return
        self._last += 1
        made = {
            "id": self._last, "completed_by": 101 + who, "result": [choices(LABELS[choice])], "was_cancelled": False,
            "created_at": now, "updated_at": now, "task": task["id"], "project": 3,
        }  # fmt: skip
        task["annotations"].append(made)
        self._changed(task, "ANNOTATION_CREATED", made)

    def skip(self, who: int, item: int) -> None:
        task = self.tasks.get(item + 1)
        mine = [] if task is None else self._mine(task, who)
        if task is not None and mine:
            mine[-1].update(was_cancelled=True, updated_at=zulu(self.tick()))
            self._changed(task, "ANNOTATION_UPDATED", mine[-1])

    def take_back(self, who: int, item: int) -> None:
        task = self.tasks.get(item + 1)
        mine = [] if task is None else self._mine(task, who)
        if task is not None and mine:
            task["annotations"].remove(mine[-1])
            task["updated_at"] = zulu(self.tick())
            self.post(
                orjson.dumps(
                    {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": mine[-1]["id"]}], "project": PROJECT}
                )
            )

    def give(self, annotation: int, who: int) -> None:
        """Give an annotation to somebody else, as any API user may."""
        for task in self.tasks.values():
            for one in task["annotations"]:
                if one["id"] == annotation:
                    one.update(completed_by=101 + who, updated_at=zulu(self.tick()))
                    task["updated_at"] = one["updated_at"]

    def lose(self) -> None:
        self.tasks.pop(next(iter(self.tasks)))

    def work(self, rng: random.Random) -> None:
        if rng.random() < 0.05 and any(task["annotations"] for task in self.tasks.values()):
            annotations = [one["id"] for task in self.tasks.values() for one in task["annotations"]]
            self.give(rng.choice(annotations), rng.randrange(self.people))
        else:
            super().work(rng)

    def live(self) -> Live:
        newest: dict[tuple[str, str], tuple[str, Any]] = {}
        for task in self.tasks.values():
            for one in task["annotations"]:
                label = None if one["was_cancelled"] else one["result"][0]["value"]["choices"][0]
                place = (self.item_of(task), str(one["completed_by"]))
                newest[place] = max(newest.get(place, ("", None)), (one["updated_at"], label), key=lambda pair: pair[0])
        return {place: label for place, (_, label) in newest.items() if label is not None}

    @staticmethod
    def _mine(task: dict[str, Any], who: int) -> list[dict[str, Any]]:
        found = [one for one in task["annotations"] if one["completed_by"] == 101 + who]
        return sorted(found, key=lambda one: one["updated_at"])

    def _changed(self, task: dict[str, Any], action: str, annotation: dict[str, Any]) -> None:
        task["updated_at"] = annotation["updated_at"]
        plain = {name: value for name, value in task.items() if name != "annotations"}
        self.post(orjson.dumps({"action": action, "annotation": annotation, "task": plain, "project": PROJECT}))

    def serve(self, app: FastAPI) -> None:
        @app.get("/api/projects/{number}/")
        async def project(number: int) -> Response:
            return JSONResponse(PROJECT) if number == PROJECT["id"] else not_found()

        @app.get("/api/tasks")
        async def tasks(request: Request, page: int, page_size: int, fields: str) -> Response:
            query = orjson.loads(request.query_params.get("query", "{}"))
            found = sorted(self.tasks.values(), key=lambda one: (one["updated_at"], one["id"]))
            for item in query.get("filters", {}).get("items", ()):
                assert item["filter"] == "filter:tasks:updated_at"
                found = [one for one in found if one["updated_at"] > item["value"]]
            rows = [self._shown(one, whole=fields == "all") for one in found]
            return numbered(rows, page, page_size, name="tasks")

        @app.get("/api/tasks/{number}/")
        async def task(number: int) -> Response:
            found = self.tasks.get(number)
            return not_found() if found is None else JSONResponse(self._shown(found, whole=True))

        @app.post("/api/webhooks/")
        async def hook(request: Request) -> dict[str, Any]:
            self.hooked.append(await request.json())
            self.secret = next(iter(self.hooked[-1]["headers"].values()))
            return {"id": len(self.hooked)}

    @staticmethod
    def _shown(task: dict[str, Any], *, whole: bool) -> dict[str, Any]:
        cancelled = sum(one["was_cancelled"] for one in task["annotations"])
        counts = {"total_annotations": len(task["annotations"]) - cancelled, "cancelled_annotations": cancelled}
        return {name: value for name, value in task.items() if whole or name != "annotations"} | counts


class FakeSharedItems(FakeLabelStudio):
    """Two tasks are about each item, as when a file was imported twice."""

    settings = {"item_field": "own"}

    def own(self, item: int) -> dict[str, str]:
        return {"own": f"item-{item // 2}"}

    def item_of(self, task: dict[str, Any]) -> str:
        return str(task["data"]["own"])
