"""What Assay found goes back to the platform: the consensus, findings, and the wish for one more annotation.

Only for connections that ask for it. Writes are the same however often they are made, so a record read twice does no
harm; and they touch nothing that the reconciler publishes, so they cannot go round in circles.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka.errors import KafkaError

from schemas.control import Connection
from services.gateway.connections import Connections
from services.gateway.platforms.label_studio import NAME as PLATFORM
from services.gateway.platforms.label_studio_config import read_label_config
from services.gateway.sources.client import PlatformError
from services.gateway.sources.label_studio_api import LabelStudioApi
from services.gateway.sources.source import Fields
from services.runtime import metrics
from services.runtime.kafka import NoKafkaError, make_consumer
from services.runtime.logs import get_logger
from services.runtime.settings import RuntimeSettings
from services.runtime.topics import CONSENSUS, REVIEW, VALIDATED

MARK = "assay"
"""The name under which everything is written: the field of a task's meta, and the model version of predictions."""

_PAUSE_SECONDS = 2.0
_RETRY_SECONDS = 5.0
_MOST_FINDINGS = 10
_ONE_OF_A_LIST = {"choices": "choices", "rating": "rating", "number": "number", "pairwise": "selected"}

log = get_logger("gateway")


@dataclass(slots=True)
class News:
    """What is to be written of one item. It changes as more is heard."""

    consensus: Fields | None = None
    findings: list[Fields] = field(default_factory=list)
    wants_vote: bool = False


class WritingBack:
    """Follow the verdicts and write them to the platforms that want them, the newest of each item, a few at once."""

    def __init__(self, connections: Connections, settings: RuntimeSettings) -> None:
        """Take where connections are kept."""
        self._connections = connections
        self._settings = settings
        self._news: defaultdict[tuple[str, str], News] = defaultdict(News)

    async def run(self) -> None:
        """Write back until cancelled; where Kafka or a platform is away, try again."""
        while True:
            try:
                await self._follow()
            except (KafkaError, NoKafkaError, OSError) as error:
                log.warning("writing_back_waits", error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = make_consumer(
            self._settings, CONSENSUS.name, REVIEW.name, VALIDATED.name,
            group_id=f"{self._settings.prefix}assay-writing-back",
        )  # fmt: skip
        await consumer.start()
        try:
            while True:
                fetched = await consumer.getmany(timeout_ms=int(_PAUSE_SECONDS * 1_000))
                wanted = await asyncio.to_thread(self._wanting)
                for tp, records in fetched.items():
                    topic = tp.topic.removeprefix(self._settings.prefix)
                    for record in records:
                        self._hear(topic, record.key, record.value, wanted)
                if self._news:
                    await self._write(wanted)
                await consumer.commit()
        finally:
            await consumer.stop()

    def _wanting(self) -> Mapping[str, Connection]:
        """Return the connections that want it, by Assay's project."""
        every = self._connections.all()
        return {one.project: one for one in every if one.write_back and one.platform == PLATFORM}

    def _hear(self, topic: str, key: bytes | None, value: bytes | None, wanted: Mapping[str, Connection]) -> None:
        project, _, item = (key or b"").decode(errors="replace").partition(":")
        if project not in wanted or value is None:
            return
        said: Any = orjson.loads(value)
        if topic == CONSENSUS.name:
            self._news[project, item].consensus = said
        elif topic == REVIEW.name:
            self._news[project, item].wants_vote = True
        elif said["findings"]:
            source = said["annotation"].get("source") or {}
            found = [{"annotation": source.get("annotation"), **one} for one in said["findings"]]
            self._news[project, item].findings += found

    async def _write(self, wanted: Mapping[str, Connection]) -> None:
        news, self._news = self._news, defaultdict(News)
        for project, connection in wanted.items():
            mine = {item: one for (of, item), one in news.items() if of == project}
            if not mine:
                continue
            try:
                await self._write_to(connection, mine)
            except PlatformError as error:
                log.warning("writing_back_failed", connection=connection.name, error=str(error))
                for item, one in mine.items():  # for the next time; what is newer by then wins
                    self._news.setdefault((project, item), one)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _write_to(self, connection: Connection, news: Mapping[str, News]) -> None:
        token = self._connections.secrets_of(connection).token or ""
        async with LabelStudioApi(connection.url or "", token) as api:
            project = await api.project(connection.platform_project or "")
            for item, one in news.items():
                task = await api.task(item) if item.isdigit() else None
                if task is not None and str(task.get("project")) == connection.platform_project:
                    await self._write_task(api, project, task, one)
                    metrics.WRITTEN_BACK.labels(connection.name).inc()

    async def _write_task(self, api: LabelStudioApi, project: Fields, task: Fields, news: News) -> None:
        number, meta = str(task["id"]), dict(task.get("meta") or {})
        said = marked(meta.get(MARK), news)
        if said != meta.get(MARK):
            await api.set_meta(number, {**meta, MARK: said})
        if news.consensus is not None:
            result = prediction(project, news.consensus["label"])
            before = [one for one in task.get("predictions") or () if one.get("model_version") == MARK]
            if result and not any(one.get("result") == result for one in before):
                for one in before:
                    await api.remove_prediction(str(one["id"]))
                await api.predict(number, result, news.consensus["probability"], MARK)
        votes = int(task.get("total_annotations") or 0)
        if news.wants_vote and int(task.get("overlap") or 1) <= votes:
            await api.set_overlap(number, votes + 1)


def marked(before: object, news: News) -> Fields:
    """Return what the task's meta says of Assay from now on."""
    said: dict[str, Any] = dict(before) if isinstance(before, dict) else {}
    if news.consensus is not None:
        said["consensus"] = {name: news.consensus[name] for name in ("label", "probability", "status", "votes")}
    if news.findings:
        known = [one for one in said.get("findings", ()) if one not in news.findings]
        said["findings"] = [*known, *news.findings][-_MOST_FINDINGS:]
    return said


def prediction(project: Fields, label: object) -> Sequence[Fields]:
    """Return a label as a prediction's result; none for kinds that are more than one choice or number."""
    config = read_label_config(project.get("label_config"))
    for name, control in config.controls.items():
        kind = control.tag
        if kind in _ONE_OF_A_LIST and isinstance(label, str | int | float):
            value = [str(label)] if kind == "choices" else label
            shows = control.shows[0] if control.shows else ""
            return [{"from_name": name, "to_name": shows, "type": kind, "value": {_ONE_OF_A_LIST[kind]: value}}]
    return []
