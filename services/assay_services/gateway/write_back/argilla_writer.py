"""Write to Argilla: a suggestion with the consensus, and the rest as record metadata."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import orjson

from assay_schemas.annotation import ItemId
from assay_services.gateway.core.platforms.coercion import at, fields, identifier
from assay_services.gateway.reconcile.sources.argilla_source import Argilla
from assay_services.gateway.reconcile.sources.http_client import plain
from assay_services.gateway.reconcile.sources.source import Setting
from assay_services.gateway.write_back.writer import MARK, ItemUpdate, WriteBackFields

_FITTING = {
    "label_selection": str, "text": str, "rating": int, "multi_label_selection": list, "span": list,
}  # fmt: skip
_REMARK = "text"
_MOST_FINDINGS = 10


class ArgillaWriter:
    """Writes to the records of one dataset."""

    def __init__(self, setting: Setting) -> None:
        """Connect with `setting`."""
        self._source = Argilla(setting)
        self._settings = setting.asked.default
        self._things_of = setting.things_of

    async def __aenter__(self) -> Self:
        """Return the writer."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self._source.__aexit__(kind, error, trace)

    async def write(self, item: ItemId, news: ItemUpdate) -> bool:
        """Write to the records of an item; return whether one exists."""
        own = self._settings.item_field
        names: Sequence[str | None] = [item] if own is None else await asyncio.to_thread(self._things_of, item)
        if not names and own == "external_id":
            names = [identifier(at(await self._source.record("external_id", item), "id"))]
        written = [await self._write_record(name, news) for name in names if name is not None]
        return any(written)

    async def _write_record(self, name: str, news: ItemUpdate) -> bool:
        record = None if plain(name) is None else await self._source.whole(name)
        if record is None:
            return False
        metadata = dict(fields(at(record, "metadata")))
        said = marked(metadata, news)
        if said != metadata:
            await self._source.set_metadata(name, said)
        wanted = suggestion(await self._source.questions(), self._settings.controls, news)
        if wanted is not None and not _exists(record, wanted):
            await self._source.suggest(name, wanted)
        return True


def marked(before: WriteBackFields, news: ItemUpdate) -> dict[str, Any]:
    """Return the record's metadata with Assay's values updated; flat, because Argilla filters by flat values."""
    said = dict(before)
    if news.consensus is not None:
        label = news.consensus["label"]
        said[f"{MARK}_label"] = label if isinstance(label, str) else orjson.dumps(label).decode()
        said |= {f"{MARK}_{name}": news.consensus[name] for name in ("probability", "status", "votes")}
    if news.findings:
        known = [one for one in said.get(f"{MARK}_findings", ()) if isinstance(one, str)]
        rules = [str(one.get("rule")) for one in news.findings]
        said[f"{MARK}_findings"] = list(dict.fromkeys([*known, *rules]))[-_MOST_FINDINGS:]
    if news.wants_vote:
        said[f"{MARK}_wants_vote"] = True
    return said


def suggestion(
    questions: Sequence[WriteBackFields], controls: Sequence[str], news: ItemUpdate
) -> WriteBackFields | None:
    """Return the consensus as a suggestion for the label's question; None if its type does not fit."""
    if news.consensus is None or not questions:
        return None
    label = news.consensus["label"]
    named = [one for name in controls for one in questions if one.get("name") == name]
    main = [one for one in questions if at(one, "settings.type") != _REMARK]
    question = (named or main or list(questions))[0]
    kind = _FITTING.get(str(at(question, "settings.type")))
    if kind is None or isinstance(label, bool) or not isinstance(label, kind):
        return None
    made = {"question_id": question.get("id"), "value": label, "type": "model", "agent": MARK}
    score = news.consensus["probability"]
    return made if score is None or kind is list else {**made, "score": score}


def _exists(record: WriteBackFields, wanted: WriteBackFields) -> bool:
    names = ("question_id", "value", "agent")
    return any(all(at(one, name) == wanted[name] for name in names) for one in record.get("suggestions") or ())
