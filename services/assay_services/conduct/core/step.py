"""Watch the annotators: judged items in, signals and reports out."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from assay_models.conduct.judged_annotation import JudgedAnnotation
from assay_models.conduct.labels import class_count
from assay_models.conduct.stream import POOL, ConductStream
from assay_schemas.annotation import AnnotatorId, ProjectId, microseconds
from assay_schemas.conduct import Signal
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.judged_item import JudgedItem
from assay_schemas.record_key import record_key
from assay_schemas.topics import CONDUCT, SIGNALS
from assay_services.engine.core.cloudevents import event
from assay_services.engine.core.core_api import Core, Entry, NotYet, Output, Record, State, Step
from assay_services.engine.core.elapsed import has_passed
from assay_services.engine.core.state import PartitionState


def decode(value: bytes | None) -> JudgedItem | None:
    """Decode one judged item; return None for bytes that the consensus would not have written."""
    try:
        return JudgedItem.model_validate_json(value or b"")
    except ValidationError:
        return None


def fresh(item: JudgedItem) -> Iterator[JudgedAnnotation]:
    """Yield the annotations that are new or changed since the item was last published."""
    said = {one.annotator: one.label for one in item.annotations}
    length = item.text_length or None
    for one in item.annotations:
        if one.fresh:
            yield JudgedAnnotation(
                item.project, item.item, one.annotator, one.annotation, one.label, microseconds(one.occurred_at),
                one.lead_time_seconds, length, one.consensus, one.consensus_probability, item.gold, item.model_label,
                one.prelabel, item.attributes, said,
            )  # fmt: skip


_NEVER = 2**62
KNOWN = b"c:"
CLASSES = b"n:"
DIARY = b"d:"
_MINUTE_MS = 60_000


class Pace(NamedTuple):
    """How often (ms) reports and checkpoints are written, and after how many records at the latest.

    `survives`: whether a restart resumes from what is written; if not, nothing is written.
    """

    report_ms: int = _MINUTE_MS
    write_ms: int = _MINUTE_MS
    write_records: int = 5_000
    survives: bool = True


AT_THE_END = Pace(report_ms=2**61, survives=False)
"""The pace for files: reports only at the end, and no checkpoints."""


class ConductCore(Core):
    """The conduct of all annotators of one partition. An instance lives as long as the state that it was built from.

    The state of an annotator is too large to write with every batch. Each batch is written to a write-ahead log; once a
    minute a checkpoint is written and the log emptied. A restart loads the checkpoint and replays the log, which gives
    the same state because the detectors are deterministic.
    """

    def __init__(
        self,
        contracts: Mapping[ProjectId, LabelContract],
        state: PartitionState,
        pace: Pace | None = None,
        *,
        parked: Collection[ProjectId] = (),
    ) -> None:
        """Resume from `state`, with the contracts in force; `parked` are projects whose state stays as it is."""
        self._state = state
        self._parked = parked
        self._pace = pace or Pace()
        self._contracts = contracts
        self._streams: dict[ProjectId, ConductStream] = {}
        self._missing: set[ProjectId] = set()
        self._known: defaultdict[ProjectId, list[tuple[int, AnnotatorId, bytes]]] = defaultdict(list)
        self._classes: dict[ProjectId, int] = {}
        self._new: list[ProjectId] = []
        self._diary: dict[bytes, int] = {}
        self._unreported: defaultdict[ProjectId, dict[AnnotatorId, None]] = defaultdict(dict)
        self._number = 0
        self._checked_at = self._reported_at = 0
        diary: list[tuple[bytes, bytes]] = []
        for key, value in state.values():
            if key.startswith(DIARY):
                diary.append((key, value))
            elif key.startswith(CLASSES):
                project, self._classes[project] = orjson.loads(value)
            else:
                project, annotator, number, _ = orjson.loads(value)
                self._known[project].append((number, annotator, value))
                self._number = max(self._number, number)
        self._to_relive = sorted(diary)

    def _adopt_contracts(self, now: int) -> Iterator[tuple[bytes, Entry | None]]:
        """Let every stream go on under its newest contract; first write a checkpoint of what was under the older one.

        The log then never spans two versions: replayed, it gives the state that it gave at first.
        """
        changed = [
            name
            for name, stream in self._streams.items()
            if name in self._contracts and class_count(self._contracts[name]) != stream.classes
        ]
        if not changed:
            return
        yield from self._checkpoint(now, is_due=True)
        for name in changed:
            self._streams[name].adopt(self._contracts[name])
            yield from self._classes_entry(name)

    def _classes_entry(self, project: ProjectId) -> Iterator[tuple[bytes, Entry | None]]:
        """Yield the number of labels under which the log is written."""
        if self._pace.survives:
            value = orjson.dumps([project, self._streams[project].classes])
            yield CLASSES + project.encode(), Entry(_NEVER, value)

    def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002  # the constructor received it
        """Process one batch."""
        now = max(record.timestamp for record in batch)
        items = [decode(record.value) for record in batch]
        self._demand({item.project for item in items if item is not None})
        self._replay_log()
        for name in {item.project for item in items if item is not None and item.project in self._contracts}:
            self._stream(name)
        adopted = dict(self._adopt_contracts(now))
        outputs: list[Output] = []
        verdicts: Counter[str] = Counter()
        for item in items:
            if item is None:
                verdicts["unreadable"] += 1
            elif item.project not in self._contracts:
                verdicts["no-contract"] += 1
            else:
                verdicts["watched"] += 1
                stream = self._stream(item.project)
                for one in fresh(item):
                    self._unreported[one.project][one.annotator] = None
                    outputs += [_said(signal) for signal in stream.put(one)]
        outputs += self._reports(now)
        new, self._new = self._new, []
        began = dict(entry for name in new for entry in self._classes_entry(name))
        changes = {**adopted, **began, **self._write_down(batch), **dict(self._checkpoint(now))}
        return Step(outputs, changes, verdicts)

    def idle(self, now: int) -> Step | None:
        """Use an idle moment at `now` (ms since 1970): write a checkpoint and the reports that are due."""
        if not self._streams:
            return None
        outputs, changes = list(self._reports(now)), dict(self._checkpoint(now))
        return Step(outputs, changes, {}) if outputs or changes else None

    def _demand(self, names: Iterable[ProjectId]) -> None:
        """Load the contract of every project; raise NotYet, once per project, if one may be about to arrive."""
        missing = {name for name in names if name not in self._contracts} - self._missing
        if missing:
            self._missing |= missing
            raise NotYet(f"the contract of {', '.join(sorted(missing))}")

    def _replay_log(self) -> None:
        """Process the batches in the log again, without publishing."""
        pages, self._to_relive = self._to_relive, []
        for key, value in pages:
            records = orjson.loads(value)
            self._diary[key] = len(records)
            for item in (decode(record.encode()) for record in records):
                if item is not None and item.project in self._contracts:
                    stream = self._stream(item.project)
                    for one in fresh(item):
                        self._unreported[one.project][one.annotator] = None
                        stream.put(one)

    def _write_down(self, batch: Sequence[Record]) -> Mapping[bytes, Entry | None]:
        """Return the batch as an entry of the log."""
        if not self._pace.survives:
            return {}
        key = DIARY + b"%020d" % batch[0].offset
        self._diary[key] = len(batch)
        return {key: Entry(_NEVER, _page(batch))}

    def _checkpoint(self, now: int, *, is_due: bool = False) -> Iterator[tuple[bytes, Entry | None]]:
        pace = self._pace
        many = sum(self._diary.values()) >= pace.write_records
        if not (is_due or many or has_passed(self._checked_at, now, pace.write_ms)) or not self._diary:
            return
        self._checked_at = now
        for project, stream in self._streams.items():
            for annotator in stream.changed():
                key, known = known_key(project, annotator), stream.dump(annotator)
                self._number += 1
                value = orjson.dumps([project, annotator, self._number, known])
                yield key, None if known is None else Entry(_NEVER, value)
        diary, self._diary = self._diary, {}
        for key in diary:
            yield key, self._of_parked(key)

    def _of_parked(self, key: bytes) -> Entry | None:
        """Return what a page of the log still has to keep: the records of parked projects."""
        if not self._parked:
            return None
        kept = [text for text in orjson.loads(self._state.get(key) or b"[]") if _project_in(text) in self._parked]
        return Entry(_NEVER, orjson.dumps(kept)) if kept else None

    def _reports(self, now: int) -> Iterator[Output]:
        if not has_passed(self._reported_at, now, self._pace.report_ms):
            return
        self._reported_at = now
        unreported, self._unreported = self._unreported, defaultdict(dict)
        for project, annotators in unreported.items():
            for annotator in annotators:
                found = self._streams[project].report(annotator)
                if found is not None:
                    value = found.model_dump(mode="json")
                    key = record_key(project, annotator)
                    yield event(CONDUCT.name, key, value, kind="conduct", source="conduct")

    def _stream(self, project: ProjectId) -> ConductStream:
        stream = self._streams.get(project)
        if stream is None:
            known_classes = self._classes.get(project)
            stream = self._streams[project] = ConductStream(self._contracts[project], classes=known_classes)
            if known_classes is None:
                self._new.append(project)
            known = sorted(self._known.pop(project, ()))
            for _, annotator, value in sorted(known, key=lambda one: one[1] != POOL):
                stream.load(annotator, orjson.loads(value)[3])
        return stream


def known_key(project: ProjectId, annotator: AnnotatorId) -> bytes:
    """Return the state key of an annotator's checkpoint."""
    return KNOWN + orjson.dumps([project, annotator])


def _project_in(text: str) -> ProjectId:
    item = decode(text.encode())
    return ProjectId("") if item is None else item.project


def _said(signal: Signal) -> Output:
    value = signal.model_dump(mode="json")
    key = record_key(signal.project, signal.annotator)
    return event(SIGNALS.name, key, value, kind="signal", source="conduct")


def _page(batch: Sequence[Record]) -> bytes:
    """Return a batch in the log's form: its values, without those that are not text."""
    texts = []
    for record in batch:
        try:
            texts.append((record.value or b"").decode())
        except UnicodeDecodeError:
            continue
    return orjson.dumps(texts)
