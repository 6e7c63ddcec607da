"""doccano: one project of categories. No webhooks, no list of changes; a label that is taken away leaves no trace."""

from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from tests.services.gateway.fakes.platform import LABELS, TOKEN, Fake, Live, not_found, zulu


class FakeDoccano(Fake):
    """Examples 1 and up, users 101 and up. A person may put several labels on an example."""

    platform = "doccano"
    number = "2"
    token_value = f"Token {TOKEN}"

    def __init__(self, *, items: int = 6, people: int = 3) -> None:
        self.labels: dict[int, list[dict[str, Any]]] = {item + 1: [] for item in range(items)}
        self.shared = True
        self._last = 0
        super().__init__(items=items, people=people)

    def say(self, who: int, item: int, choice: int) -> None:
        """Put a label on it, beside the other one that may be there already."""
        rows = self.labels.get(item + 1)
        if rows is None or any((one["user"], one["label"]) == (101 + who, choice + 1) for one in rows):
            return
        self._last += 1
        now = zulu(self.tick())
        made = {"id": self._last, "prob": 0.0, "user": 101 + who, "example": item + 1, "label": choice + 1}
        rows.append(made | {"created_at": now, "updated_at": now})

    def take_back(self, who: int, item: int) -> None:
        """Take the newest label away."""
        mine = [one for one in self.labels.get(item + 1, ()) if one["user"] == 101 + who]
        if mine:
            self.tick()
            self.labels[item + 1].remove(mine[-1])

    def lose(self) -> None:
        self.labels.pop(next(iter(self.labels)))

    def live(self) -> Live:
        found: dict[tuple[str, str], list[str]] = {}
        for example, rows in self.labels.items():
            for one in rows:
                found.setdefault((str(example), str(one["user"])), []).append(LABELS[one["label"] - 1])
        return {place: words[0] if len(words) == 1 else words for place, words in found.items()}

    def serve(self, app: FastAPI) -> None:
        at = "/v1/projects/{project}"

        @app.get(at)
        async def a_project(project: int) -> Response:
            kind = {"project_type": "DocumentClassification", "collaborative_annotation": self.shared}
            return JSONResponse({"id": project, **kind}) if project == 2 else not_found()

        @app.get(f"{at}/category-types")
        async def types(project: int) -> list[dict[str, Any]]:
            assert project == 2
            return [{"id": number, "text": text} for number, text in enumerate(LABELS, 1)]

        @app.get(f"{at}/examples")
        async def examples(project: int, limit: int = 10, offset: int = 0) -> dict[str, Any]:
            assert project == 2
            rows = [_example(one) for one in list(self.labels)[offset : offset + limit]]
            return {"count": len(self.labels), "next": None, "previous": None, "results": rows}

        @app.get(f"{at}/examples/{{example}}")
        async def an_example(project: int, example: int) -> Response:
            assert project == 2
            return JSONResponse(_example(example)) if example in self.labels else not_found()

        @app.get(f"{at}/examples/{{example}}/categories")
        async def categories(project: int, example: int) -> Response:
            assert project == 2
            return JSONResponse(self.labels[example]) if example in self.labels else not_found()


def _example(number: int) -> dict[str, Any]:
    return {"id": number, "text": f"text {number}", "meta": {"market": "BR"}, "is_confirmed": False}
