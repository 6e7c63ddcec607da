"""CVAT: one task, and a job over all its frames for each person. Webhooks carry no annotations."""

from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.services.gateway.fakes.platform import TOKEN, Fake, Live, not_found, numbered, zulu

TASK, PROJECT = 12, 4
NAMES = {1: "car", 2: "bike"}
BOX = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0}


class FakeCvat(Fake):
    """Jobs 31 and up, users 101 and up."""

    platform = "cvat"
    number = str(PROJECT)
    token_value = f"Token {TOKEN}"

    def __init__(self, *, items: int = 6, people: int = 3) -> None:
        self.jobs: dict[int, dict[str, Any]] = {}
        self.shapes: dict[int, list[dict[str, Any]]] = {}
        super().__init__(items=items, people=people)
        for who in range(people):
            self.jobs[31 + who] = {
                "id": 31 + who, "task_id": TASK, "project_id": PROJECT, "type": "annotation", "state": "in progress",
                "assignee": {"id": 101 + who, "username": f"user-{who}"}, "updated_date": zulu(self.tick()),
            }  # fmt: skip
            self.shapes[31 + who] = []

    def say(self, who: int, item: int, choice: int) -> None:
        if 31 + who in self.jobs:
            kept = [one for one in self.shapes[31 + who] if one["frame"] != item]
            shape = {
                "id": len(kept) + 1, "type": "rectangle", "frame": item, "label_id": choice + 1, "rotation": 0.0,
                "points": [10.0, 20.0, 40.0, 60.0], "source": "manual", "attributes": [],
            }  # fmt: skip
            self._save(31 + who, [*kept, shape])

    def take_back(self, who: int, item: int) -> None:
        if 31 + who in self.jobs and any(one["frame"] == item for one in self.shapes[31 + who]):
            self._save(31 + who, [one for one in self.shapes[31 + who] if one["frame"] != item])

    def lose(self) -> None:
        job = next(iter(self.jobs))
        del self.jobs[job], self.shapes[job]

    def live(self) -> Live:
        return {
            (f"{TASK}/{one['frame']}", str(self.jobs[job]["assignee"]["id"])): [BOX | {"label": NAMES[one["label_id"]]}]
            for job, shapes in self.shapes.items()
            for one in shapes
        }

    def _save(self, job: int, shapes: list[dict[str, Any]]) -> None:
        before = self.jobs[job]["updated_date"]
        self.shapes[job] = shapes
        self.jobs[job]["updated_date"] = zulu(self.tick())
        sender = {"id": 101 + job - 31, "username": "somebody"}
        body = {"event": "update:job", "job": self.jobs[job], "before_update": {"updated_date": before}}
        self.post(orjson.dumps({**body, "webhook_id": 1, "sender": sender}))

    def serve(self, app: FastAPI) -> None:  # noqa: C901  # one route after the other
        @app.get("/api/projects/{number}")
        async def project(number: int) -> Response:
            return JSONResponse({"id": number}) if number == PROJECT else not_found()

        @app.get("/api/jobs")
        async def jobs(
            request: Request, project_id: int, page: int = 1, page_size: int = 10, sort: str = "-id"
        ) -> Response:
            found = [one for one in self.jobs.values() if one["project_id"] == project_id]
            rule = orjson.loads(request.query_params.get("filter", "{}"))
            for one in rule.get("and", ()):
                variable, than = one[">"]
                since = than.replace("+00:00", "Z")
                found = [job for job in found if job[variable["var"]] > since]
            return numbered(sorted(found, key=lambda job: job[sort]), page, page_size)

        @app.get("/api/jobs/{number}")
        async def job(number: int) -> Response:
            return JSONResponse(self.jobs[number]) if number in self.jobs else not_found()

        @app.get("/api/jobs/{number}/annotations")
        async def annotations(number: int) -> Response:
            if number not in self.jobs:
                return not_found()
            return JSONResponse(
                {"version": 1, "tags": [], "shapes": self.shapes[number], "tracks": [], "intervals": []}
            )

        @app.get("/api/jobs/{number}/data/meta")
        async def meta(number: int) -> Response:
            frames = [{"name": f"{number}.png", "width": 640, "height": 480} for number in range(self.items)]
            return JSONResponse({"start_frame": 0, "frames": frames}) if number in self.jobs else not_found()

        @app.get("/api/labels")
        async def labels(project_id: int, page: int = 1, page_size: int = 10) -> Response:
            assert project_id == PROJECT
            return numbered([{"id": number, "name": name} for number, name in NAMES.items()], page, page_size)

        @app.get("/api/webhooks/events")
        async def events() -> dict[str, Any]:
            return {"webhook_type": "project", "events": ["update:job", "create:task", "delete:task", "create:issue"]}

        @app.post("/api/webhooks", status_code=201)
        async def hook(request: Request) -> dict[str, Any]:
            self.hooked.append(await request.json())
            self.secret = self.hooked[-1]["secret"]
            return {"id": len(self.hooked)}
