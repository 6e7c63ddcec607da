"""Toloka: one pool. Nothing is edited or deleted: assignments are made anew, rejected, accepted after all, skipped."""

import random
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.services.gateway.fakes.platform import LABELS, TOKEN, Fake, Live, not_found

POOL = "pool-1"


class FakeToloka(Fake):
    """Assignments a0001 and up. The same person may get the same task twice."""

    platform = "toloka"
    number = POOL
    token_value = f"OAuth {TOKEN}"
    settings = {"controls": ["verdict"]}

    def __init__(self, *, items: int = 6, people: int = 3) -> None:
        self.assignments: dict[str, dict[str, Any]] = {}
        self._made = 0
        super().__init__(items=items, people=people)

    def say(self, who: int, item: int, choice: int) -> None:
        made = self._assigned(who, item)
        solutions = [{"output_values": {"verdict": LABELS[choice]}}]
        made.update(status="SUBMITTED", submitted=_time(self.tick()), solutions=solutions)
        self._tell("ASSIGNMENT_SUBMITTED", made)

    def skip(self, who: int, item: int) -> None:
        made = self._assigned(who, item)
        made.update(status="SKIPPED", skipped=_time(self.tick()))
        self._tell("ASSIGNMENT_SKIPPED", made)

    def take_back(self, who: int, item: int) -> None:
        mine = [one for one in self._of(who, item) if one["status"] in {"SUBMITTED", "ACCEPTED"}]
        if mine:
            mine[-1].update(status="REJECTED", rejected=_time(self.tick()))
            self._tell("ASSIGNMENT_REJECTED", mine[-1])

    def accept(self, assignment: str) -> None:
        """Accept an assignment, also one that was rejected."""
        self.assignments[assignment].update(status="ACCEPTED", accepted=_time(self.tick()))
        self._tell("ASSIGNMENT_APPROVED", self.assignments[assignment])

    def lose(self) -> None:
        self.assignments.pop(next(iter(self.assignments)))

    def work(self, rng: random.Random) -> None:
        open_ones = [one["id"] for one in self.assignments.values() if one["status"] in {"SUBMITTED", "REJECTED"}]
        if open_ones and rng.random() < 0.15:
            self.accept(rng.choice(open_ones))
        else:
            super().work(rng)

    def live(self) -> Live:
        newest: dict[tuple[str, str], tuple[str, Any]] = {}
        for one in self.assignments.values():
            if one["status"] == "REJECTED":
                continue
            label = None if one["status"] == "SKIPPED" else one["solutions"][0]["output_values"]["verdict"]
            after_all = one["accepted"] if "rejected" in one and "accepted" in one else None
            when = after_all or one.get("skipped") or one.get("submitted") or ""
            place = (one["tasks"][0]["id"], one["user_id"])
            newest[place] = max(newest.get(place, ("", None)), (when, label), key=lambda pair: pair[0])
        return {place: label for place, (_, label) in newest.items() if label is not None}

    def _assigned(self, who: int, item: int) -> dict[str, Any]:
        self._made += 1
        name = f"a{self._made:04}"
        made: dict[str, Any] = {
            "id": name, "pool_id": POOL, "user_id": f"user-{who}", "created": _time(self.tick()),
            "tasks": [{"id": f"task-{item}", "input_values": {"text": f"text {item}"}}], "solutions": [],
        }  # fmt: skip
        self.assignments[name] = made
        return made

    def _of(self, who: int, item: int) -> list[dict[str, Any]]:
        wanted = (f"user-{who}", f"task-{item}")
        return [one for one in self.assignments.values() if (one["user_id"], one["tasks"][0]["id"]) == wanted]

    def _tell(self, kind: str, assignment: dict[str, Any]) -> None:
        event = {"uuid": f"e{len(self.deliveries)}", "event_time": _time(self.now), "type": kind}
        self.post(orjson.dumps({"events": [event | {"assignment_id": assignment["id"], "pool_id": POOL}]}))

    def serve(self, app: FastAPI) -> None:
        @app.get("/api/v1/pools/{pool}")
        async def a_pool(pool: str) -> Response:
            return JSONResponse({"id": pool}) if pool == POOL else not_found()

        @app.get("/api/v1/assignments")
        async def assignments(request: Request, pool_id: str, sort: str, limit: int = 50) -> dict[str, Any]:
            found = [one for one in self.assignments.values() if one["pool_id"] == pool_id and one.get(sort)]
            for name, than in request.query_params.items():
                if name.endswith("_gt"):
                    found = [one for one in found if one.get(name.removesuffix("_gt"), "") > than]
            found.sort(key=lambda one: str(one[sort]))
            return {"items": found[:limit], "has_more": len(found) > limit}

        @app.get("/api/v1/assignments/{name}")
        async def assignment(name: str) -> Response:
            return JSONResponse(self.assignments[name]) if name in self.assignments else not_found()


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
