"""Argilla: one dataset, one response of each person to a record, drafts too. Its webhooks are the whole server's."""

import base64
import random
import uuid
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.services.gateway.fakes.platform import LABELS, TOKEN, Fake, Live, naive, not_found, zulu

DATASET = "d5aa1f"
QUESTIONS = [
    {"id": "q-1", "name": "sentiment", "settings": {"type": "label_selection"}},
    {"id": "q-2", "name": "note", "settings": {"type": "text"}},
]


class FakeArgilla(Fake):
    """Records rec-0 and up, users u-0 and up."""

    platform = "argilla"
    number = DATASET
    token_header = "x-argilla-api-key"
    token_value = TOKEN

    def __init__(self, *, items: int = 6, people: int = 3) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.responses: dict[tuple[str, str], dict[str, Any]] = {}
        super().__init__(items=items, people=people)
        self.dice = random.Random(items)
        for item in range(items):
            self.records[f"rec-{item}"] = {
                "id": f"rec-{item}", "status": "pending", "fields": {"text": f"text {item}"}, "suggestions": [],
                "metadata": {"market": "BR"}, "external_id": self.own(item), "dataset_id": DATASET,
            }  # fmt: skip

    def own(self, item: int) -> str:
        """Return the item's own id."""
        return f"T-{item}"

    def item_of(self, record: str) -> str:
        """Return the id of a record's item with us."""
        return record

    def say(self, who: int, item: int, choice: int) -> None:
        if self._answer(who, item, "draft", choice):
            self._answer(who, item, "submitted", choice)

    def skip(self, who: int, item: int) -> None:
        self._answer(who, item, "discarded", 0)

    def draft(self, who: int, item: int) -> None:
        """Save a draft, perhaps over what was submitted."""
        self._answer(who, item, "draft", 0)

    def take_back(self, who: int, item: int) -> None:
        found = self.responses.pop((f"rec-{item}", f"u-{who}"), None)
        if found is not None:
            self.tick()
            self._tell("response.deleted", self._hooked(found, f"rec-{item}", f"u-{who}"))

    def lose(self) -> None:
        record = next(iter(self.records))
        del self.records[record]
        self.responses = {key: one for key, one in self.responses.items() if key[0] != record}

    def work(self, rng: random.Random) -> None:
        if rng.random() < 0.1:
            self.draft(rng.randrange(self.people), rng.randrange(self.items))
        else:
            super().work(rng)

    def live(self) -> Live:
        newest: dict[tuple[str, str], tuple[str, Any]] = {}
        for (record, user), one in self.responses.items():
            if one["status"] != "draft":
                label = None if one["values"] is None else one["values"]["sentiment"]["value"]
                place = (self.item_of(record), user)
                newest[place] = max(newest.get(place, ("", None)), (one["updated_at"], label), key=lambda pair: pair[0])
        return {place: label for place, (_, label) in newest.items() if label is not None}

    def elsewhere(self) -> None:
        """Let somebody answer in another dataset of this server."""
        response = {"id": "other", "status": "submitted", "values": {"sentiment": {"value": "safe"}}}
        record = {"id": "rec-other", "fields": {}, "metadata": {}, "dataset": {"id": "another", "questions": QUESTIONS}}
        times = {"inserted_at": naive(self.now), "updated_at": naive(self.tick())}
        self._tell("response.created", response | times | {"record": record, "user": {"id": "u-0"}})

    def _answer(self, who: int, item: int, status: str, choice: int) -> bool:
        key = (f"rec-{item}", f"u-{who}")
        if key[0] not in self.records:
            return False
        now, before = naive(self.tick()), self.responses.get(key)
        values = None if status == "discarded" else {"sentiment": {"value": LABELS[choice]}}
        made = {"id": str(uuid.UUID(int=self.dice.getrandbits(128))), "inserted_at": now} if before is None else before
        self.responses[key] = {**made, "values": values, "status": status, "updated_at": now}
        self._tell("record.updated", self._record(key[0]))
        self._tell(
            "response.created" if before is None else "response.updated", self._hooked(self.responses[key], *key)
        )
        return True

    def _record(self, record: str) -> dict[str, Any]:
        return {**self.records[record], "dataset": {"id": DATASET, "name": "tickets", "questions": QUESTIONS}}

    def _hooked(self, response: dict[str, Any], record: str, user: str) -> dict[str, Any]:
        return {**response, "record": self._record(record), "user": {"id": user, "username": user}}

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self.post(orjson.dumps({"type": kind, "version": 1, "timestamp": zulu(self.now), "data": data}))

    def _shown(self, record: str) -> dict[str, Any]:
        responses = [{**one, "user_id": key[1]} for key, one in self.responses.items() if key[0] == record]
        return {**self.records[record], "responses": responses}

    def serve(self, app: FastAPI) -> None:  # one route after the other
        at = "/api/v1/datasets/{dataset}"

        @app.get(at)
        async def a_dataset(dataset: str) -> Response:
            return JSONResponse({"id": dataset, "name": "tickets"}) if dataset == DATASET else not_found()

        @app.get(f"{at}/questions")
        async def questions(dataset: str) -> dict[str, Any]:
            assert dataset == DATASET
            return {"items": QUESTIONS}

        @app.get(f"{at}/records")
        async def records(dataset: str, include: str, limit: int = 50, offset: int = 0) -> dict[str, Any]:
            assert (dataset, include) == (DATASET, "responses")
            assert 1 <= limit <= 1_000
            names = list(self.records)[offset : offset + limit]
            return {"items": [self._shown(one) for one in names], "total": len(self.records)}

        @app.post(f"{at}/records/search")
        async def search(request: Request, dataset: str) -> dict[str, Any]:
            assert dataset == DATASET
            wanted = (await request.json())["filters"]["and"][0]
            assert wanted["type"] == "terms"
            found = [one for one in self.records.values() if one[wanted["scope"]["property"]] in wanted["values"]]
            return {"items": [{"record": self._shown(one["id"])} for one in found], "total": len(found)}

        @app.get("/api/v1/records/{record}")
        async def a_record(record: str) -> Response:
            return JSONResponse(self.records[record]) if record in self.records else not_found()

        @app.patch("/api/v1/records/{record}")
        async def change(record: str, request: Request) -> dict[str, Any]:
            self.records[record]["metadata"] = (await request.json())["metadata"]
            self._tell("record.updated", self._record(record))
            return self.records[record]

        @app.put("/api/v1/records/{record}/suggestions", status_code=201)
        async def suggest(record: str, request: Request) -> dict[str, Any]:
            made: dict[str, Any] = await request.json()
            kept = [one for one in self.records[record]["suggestions"] if one["question_id"] != made["question_id"]]
            self.records[record]["suggestions"] = [*kept, made]
            self._tell("record.updated", self._record(record))
            return made

        @app.post("/api/v1/webhooks", status_code=201)
        async def hook(request: Request) -> dict[str, Any]:
            self.hooked.append(await request.json())
            self.secret = base64.b64encode(b"of-argilla-itself" * 4).decode()
            return {"id": f"hook-{len(self.hooked)}", "secret": self.secret}


class FakeSharedRecords(FakeArgilla):
    """Two records are about each item."""

    settings = {"item_field": "external_id"}

    def own(self, item: int) -> str:
        return f"T-{item // 2}"

    def item_of(self, record: str) -> str:
        return str(self.records[record]["external_id"])
