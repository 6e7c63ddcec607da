"""Write to Label Studio: task `meta`, a prediction with the consensus, and `overlap` raised by one more vote."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from assay_schemas.annotation import ItemId
from assay_services.gateway.core.platforms.label_studio_config import read_label_config
from assay_services.gateway.reconcile.sources.label_studio_api import LabelStudioApi
from assay_services.gateway.reconcile.sources.source import Setting
from assay_services.gateway.write_back.writer import MARK, ItemUpdate, WriteBackFields

_MOST_FINDINGS = 10
_ONE_OF_A_LIST = {"choices": "choices", "rating": "rating", "number": "number", "pairwise": "selected"}


class LabelStudioWriter:
    """Writes to the tasks of one project."""

    def __init__(self, setting: Setting) -> None:
        """Connect with `setting`."""
        self._api = LabelStudioApi(setting.url, setting.token)
        self._number = setting.number
        self._item_field = setting.asked.default.item_field
        self._things_of = setting.things_of
        self._project: WriteBackFields | None = None

    async def __aenter__(self) -> Self:
        """Return the writer."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self._api.__aexit__(kind, error, trace)

    async def write(self, item: ItemId, news: ItemUpdate) -> bool:
        """Write to the tasks of an item; return False for an item without a known task.

        Its id is the task's, unless the settings name a field for it: then only the tasks that were seen are known.
        """
        if self._project is None:
            self._project = await self._api.project(self._number)
        names = [item] if self._item_field is None else await asyncio.to_thread(self._things_of, item)
        found = [await self._api.task(name) for name in names if name.isascii() and name.isdigit()]
        tasks = [task for task in found if task is not None and str(task.get("project")) == self._number]
        for task in tasks:
            await self._write_task(self._project, task, news)
        return bool(tasks)

    async def _write_task(self, project: WriteBackFields, task: WriteBackFields, news: ItemUpdate) -> None:
        number, meta = str(task["id"]), dict(task.get("meta") or {})
        said = marked(meta.get(MARK), news)
        if said != meta.get(MARK):
            await self._api.set_meta(number, {**meta, MARK: said})
        if news.consensus is not None:
            result = prediction(project, news.consensus["label"])
            before = [one for one in task.get("predictions") or () if one.get("model_version") == MARK]
            if result and not any(one.get("result") == result for one in before):
                for one in before:
                    await self._api.remove_prediction(str(one["id"]))
                await self._api.predict(number, result, news.consensus["probability"], MARK)
        votes = int(task.get("total_annotations") or 0)
        if news.wants_vote and int(task.get("overlap") or 1) <= votes:
            await self._api.set_overlap(number, votes + 1)


def marked(before: object, news: ItemUpdate) -> WriteBackFields:
    """Return the task's meta with Assay's fields updated."""
    said: dict[str, Any] = dict(before) if isinstance(before, dict) else {}
    if news.consensus is not None:
        said["consensus"] = {name: news.consensus[name] for name in ("label", "probability", "status", "votes")}
    if news.findings:
        known = [one for one in said.get("findings", ()) if one not in news.findings]
        said["findings"] = [*known, *news.findings][-_MOST_FINDINGS:]
    return said


def prediction(project: WriteBackFields, label: object) -> Sequence[WriteBackFields]:
    """Return a label as a prediction's result; empty for kinds other than a single choice or number."""
    config = read_label_config(project.get("label_config"))
    for name, control in config.controls.items():
        kind = control.tag
        if kind in _ONE_OF_A_LIST and isinstance(label, str | int | float):
            value = [str(label)] if kind == "choices" else label
            shows = control.shows[0] if control.shows else ""
            return [{"from_name": name, "to_name": shows, "type": kind, "value": {_ONE_OF_A_LIST[kind]: value}}]
    return []
