"""A doccano project: read all examples repeatedly, because it has neither webhooks nor a list of changes."""

from collections.abc import AsyncIterator, Mapping, Sequence

import orjson

from assay_schemas.annotation import Annotation
from assay_services.gateway.core.decode_result import FetchTarget
from assay_services.gateway.core.platforms.coercion import JsonFields, at, fields, identifier, listing, text_or_empty
from assay_services.gateway.core.platforms.doccano import decode_example
from assay_services.gateway.core.supersession import reissued_after
from assay_services.gateway.reconcile.sources.http_client import Asking, Client, by_page, plain
from assay_services.gateway.reconcile.sources.source import Listed, Seen, Setting

_PAGE = 100
_PARTS = {
    "DocumentClassification": ("categories",),
    "ImageClassification": ("categories",),
    "SequenceLabeling": ("spans",),
    "IntentDetectionAndSlotFilling": ("categories", "spans"),
    "Seq2seq": ("texts",),
    "Speech2text": ("texts",),
    "ImageCaptioning": ("texts",),
    "BoundingBox": ("bboxes",),
}
_TYPES = {"categories": "category-types", "bboxes": "category-types", "spans": "span-types"}
_HINTS = {
    401: "the token is not accepted; POST /v1/auth/login/ with name and password gives one (`key`)",
    403: "the token's user is no member of the project, or the token is not accepted",
}
_NOT_SHARED = (
    "doccano shows only the labels of the token's own user, since the project does not share annotations: turn that on "
    "in its settings"
)


class Doccano(Asking):
    """One project. A user's labels of an example are one annotation; doccano keeps no trace of removed labels."""

    kind = "example"
    by_thing = True
    polled = False

    def __init__(self, setting: Setting) -> None:
        """Connect with `setting`."""
        super().__init__(Client("doccano", setting.url, {"Authorization": f"Token {setting.token}"}, _HINTS))
        self._setting = setting
        self._at = f"/v1/projects/{setting.number}"
        self._project: JsonFields = {}
        self._names: Mapping[str, Mapping[str, str]] = {}

    async def check(self) -> None:
        """Raise PlatformError unless the project exists and can be read."""
        self._project = fields(await self._client.ask("GET", self._at))
        self._names = {part: await self._words(_TYPES[part]) for part in self._kinds() if part in _TYPES}

    async def changed_since(self, watermark: str | None) -> AsyncIterator[Seen]:
        """Yield nothing: changes are found only by reading everything."""
        del watermark
        nothing: Sequence[Seen] = ()
        for seen in nothing:
            yield seen

    async def everything(self) -> AsyncIterator[Listed]:
        """Yield every example with its labels."""
        await self.check()

        async def page(number: int) -> Sequence[JsonFields]:
            asked = {"limit": str(_PAGE), "offset": str(_PAGE * (number - 1))}
            found = await self._client.ask("GET", f"{self._at}/examples", params=asked)
            return [fields(row) for row in listing(at(found, "results"))]

        async for example in by_page(page, size=_PAGE):
            seen = await self._seen(example)
            if seen is not None:
                yield Listed(seen.id, seen.group, seen=seen)

    async def one(self, wanted: FetchTarget) -> Seen | None:
        """Return one example."""
        name = plain(wanted.id) if wanted.kind == self.kind else None
        if name is None:
            return None
        if not self._project:
            await self.check()
        found = await self._client.ask("GET", f"{self._at}/examples/{name}", missing=None)
        return None if found is None else await self._seen(fields(found))

    def _kinds(self) -> Sequence[str]:
        return _PARTS.get(text_or_empty(self._project.get("project_type")), ())

    async def _words(self, types: str) -> Mapping[str, str]:
        found = await self._client.ask("GET", f"{self._at}/{types}")
        rows = found if isinstance(found, list) else listing(at(found, "results"))
        return {str(identifier(fields(row).get("id"))): text_or_empty(fields(row).get("text")) for row in rows}

    async def _seen(self, example: JsonFields) -> Seen | None:
        name = str(identifier(example.get("id")))
        parts: dict[str, list[JsonFields]] = {}
        read_at = None
        for kind in self._kinds():
            rows = await self._client.ask("GET", f"{self._at}/examples/{name}/{kind}", missing=None)
            if rows is None:
                return None
            read_at = min(filter(None, (read_at, self._client.known_until)), default=None)
            parts[kind] = [self._named(kind, fields(row)) for row in listing(rows)]
        found = decode_example({**example, "project": self._setting.number, **parts}, self._setting.asked)
        users = {identifier(row.get("user")) for rows in parts.values() for row in rows}
        said = {str(one.source and one.source.annotation): one for one in found.annotations}
        return Seen(
            id=name,
            group=name,
            annotations=tuple(self._news(name, said)),
            here=frozenset(f"{name}/{user}" for user in users),
            changed_at=read_at,
            copy=orjson.dumps({number: one.id for number, one in said.items()}),
            problems=found.problems
            if self._project.get("collaborative_annotation")
            else (*found.problems, _NOT_SHARED),
            unread=found.unread,
        )

    def _named(self, kind: str, row: JsonFields) -> JsonFields:
        """Return a label with its name in place of its id."""
        label = identifier(row.get("label"))
        return row if label is None else {**row, "label": self._names.get(kind, {}).get(label) or label}

    def _news(self, name: str, said: Mapping[str, Annotation]) -> Sequence[Annotation]:
        """Return the annotations that differ from the stored copy.

        An annotation has the time of the user's newest label. If that label is removed, the rest is older than what was
        published, and is published again with a newer time.
        """
        copy = self._setting.copy_of(name)
        before = fields(None if copy is None else orjson.loads(copy))
        found: list[Annotation] = []
        for number, one in said.items():
            known = self._setting.asked.known(number)
            if before.get(number) == one.id and known is not None:
                continue
            if known is not None and known.occurred_at is not None and one.occurred_at <= known.occurred_at:
                found.append(reissued_after(one, after=known.occurred_at, because=known.occurred_at.isoformat()))
            else:
                found.append(one)
        return found
