"""Judge annotations: decode, score and check them, and decide to which topic each one goes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

import orjson
from pydantic import BaseModel, TypeAdapter

from assay_models.consistency.label_score import Score
from assay_models.rules.check import Circumstances
from assay_models.rules.ruleset import RuleSet
from assay_schemas.annotation import Annotation, Item, Label, ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.decoder import Undecodable, decode
from assay_schemas.topics import DEAD, REJECTED, UNREADABLE_HEADER, VALIDATED
from assay_schemas.verdict import Finding, RuleAction
from assay_services.engine.core.core_api import Core, Entry, Headers, Output, Record, State, Step
from assay_services.engine.core.ledger import SUPERSEDED
from assay_services.validator.core.item_state import ValidatorItem, content_mark, load_item, rounded, state_of

UNREADABLE = "unreadable-row"
"""The reason of a dead letter that was a row of a file."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FINDINGS = TypeAdapter(list[Finding])
MOST_LABEL_BYTES = 256 * 1024
"""The largest label, and the largest pre-label: an item is stored with those of all its annotators."""
_CLOSE_AT_ONCE = 200
_AT_ONCE = 200
_ANNOTATION, _FINDINGS_KEY = b'{"annotation":', b',"findings":'
_SCORE_KEY, _VERSION_KEY = b',"score":', b',"contract_version":'
_SPECVERSION = ("ce_specversion", b"1.0")
_SOURCE = ("ce_source", b"assay/validator")
_CONTENT_TYPE = ("content-type", b"application/json")
_CLASS_IN_DEAD_LETTERS = b"services.validator.core.Validator"
_EXCEPTION_IN_DEAD_LETTERS = b"schemas.reading.Undecodable"
"""Wire values: consumers may compare them, so they stay the same wherever the code is moved."""
_TOPICS = {"validated": VALIDATED.name, "rejected": REJECTED.name}
_TYPES = {verdict: ("ce_type", b"assay.annotation." + verdict.encode()) for verdict in ("validated", "rejected")}


class ConsistencyScorer(Protocol):
    """The consistency model of one project. `mark` identifies it: a stored view of another model is not used."""

    @property
    def mark(self) -> int: ...  # noqa: D102

    def views(self, items: Sequence[Item]) -> Sequence[Sequence[float]]:
        """Return the probability of each class for each item."""
        ...

    def score(self, view: Sequence[float], label: Label | None) -> Score | None:
        """Return the score of a label in a view; None if the model does not know the label."""
        ...


@dataclass(frozen=True, slots=True)
class ValidatorProject:
    """A project's rules in force, and its consistency model (None: it has none, or it could not be loaded)."""

    rules: RuleSet
    scorer: ConsistencyScorer | None = None


class BatchOrigin(NamedTuple):
    """The topic and partition of a batch, for the headers of dead letters."""

    topic: str
    partition: int


@dataclass(slots=True)
class _ValidatorBatch:
    """The working data of a batch while it is judged."""

    state: State
    items: dict[bytes, ValidatorItem] = field(default_factory=dict)
    annotations: dict[bytes, tuple[int, LabelContract]] = field(default_factory=dict)
    changes: dict[bytes, Entry | None] = field(default_factory=dict)
    views: dict[tuple[bytes, int], list[float]] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    notes: Counter[tuple[str, ...]] = field(default_factory=Counter)


class _BatchAnnotation(NamedTuple):
    """One annotation of the batch and its context. `mark`: hash of the model's input; None without a model."""

    record: Record
    annotation: Annotation
    project: ValidatorProject
    key: bytes
    item: ValidatorItem
    mark: int | None


class ValidatorCore(Core):
    """Judge batches by the contracts in force. Pure: the same batch, state and contracts give the same step."""

    def __init__(self, projects: Mapping[ProjectId, ValidatorProject], origin: BatchOrigin) -> None:
        """Judge by the rules of `projects`; `origin` names the topic and partition in dead letters."""
        self._projects = projects
        self._origin = origin

    def step(self, state: State, batch: Sequence[Record]) -> Step:
        """Judge one batch."""
        work = _ValidatorBatch(state)
        for start in range(0, len(batch), _AT_ONCE):
            heard = self._receive(work, batch[start : start + _AT_ONCE])
            _view(work, heard)
            for one in heard:
                _judge(work, one)
        if batch:
            _settle(work, batch[-1].timestamp, limit=len(batch) + _CLOSE_AT_ONCE)
        return Step(work.outputs, work.changes, work.verdicts, work.notes)

    def _receive(self, work: _ValidatorBatch, batch: Sequence[Record]) -> list[_BatchAnnotation]:
        """Decode the batch; send anything that is not an annotation of a known project to the dead letters."""
        heard: list[_BatchAnnotation] = []
        for record, annotation in zip(batch, _decoded(batch), strict=True):
            if isinstance(annotation, Undecodable):
                self._dead_letter(work, record, annotation)
                continue
            project = self._projects.get(annotation.project)
            if project is None:
                self._dead_letter(work, record, _unknown_project(annotation))
                continue
            too_large = _too_large(annotation) if len(record.value or b"") > MOST_LABEL_BYTES else None
            if too_large is not None:
                self._dead_letter(work, record, too_large)
                continue
            key, scorer = annotation.key, project.scorer
            mark = None if scorer is None else content_mark(scorer.mark, annotation.item)
            item = work.items.get(key)
            if item is None:
                item = work.items[key] = load_item(work.state.get(key))
            heard.append(_BatchAnnotation(record, annotation, project, key, item, mark))
        return heard

    def _dead_letter(self, work: _ValidatorBatch, record: Record, why: Undecodable) -> None:
        headers = [*record.headers, *_dead_letter_headers(self._origin, record, why)]
        work.outputs.append(Output(DEAD.name, record.key, record.value, headers))
        work.verdicts["dead"] += 1
        work.notes["dead_letters", why.reason] += 1


def _decoded(batch: Sequence[Record]) -> Sequence[Annotation | Undecodable]:
    """Decode the batch. A row of a file that could not be read says so in a header, whatever its bytes look like."""
    found = decode([record.value for record in batch])
    for place, record in enumerate(batch):
        for name, problem in record.headers:
            if name == UNREADABLE_HEADER:
                found[place] = Undecodable(UNREADABLE, "value", (problem or b"").decode(errors="replace"))
    return found


def _view(work: _ValidatorBatch, heard: Sequence[_BatchAnnotation]) -> None:
    """Run each project's model once over all items whose current content it has not seen."""
    wanted: dict[ProjectId, tuple[ConsistencyScorer, dict[tuple[bytes, int], Item]]] = {}
    for _, annotation, project, key, item, mark in heard:
        if project.scorer is not None and mark is not None and (item.view is None or item.view[0] != mark):
            _, items = wanted.setdefault(annotation.project, (project.scorer, {}))
            items[key, mark] = annotation.item
    for scorer, items in wanted.values():
        work.views.update(zip(items, map(rounded, scorer.views(list(items.values()))), strict=True))


def _judge(work: _ValidatorBatch, heard: _BatchAnnotation) -> None:
    record, annotation, project, key, item, mark = heard
    who, word = annotation.annotator.id, state_of(annotation)
    if item.supersedes(who, word):
        work.verdicts[SUPERSEDED] += 1
        return
    canonical, score = project.rules.canonical(annotation), None
    if project.scorer is not None and mark is not None:
        view = item.view
        if view is None or view[0] != mark:
            view = item.view = (mark, work.views[key, mark])
        if word[2]:
            score = project.scorer.score(view[1], canonical.label)
    findings = project.rules.check(canonical, Circumstances(record.timestamp * 1_000, word[0], score))
    for found in findings:
        work.notes["findings", annotation.project, found.rule, found.action.value] += 1
    rejected = bool(findings) and any(found.action is RuleAction.REJECT for found in findings)
    verdict = "rejected" if rejected else "validated"
    contract = project.rules.contract
    raw = _canonical_json(record.value or b"", annotation, canonical, project.rules)
    value = _verdict_json(raw, findings, score, contract.version)
    work.outputs.append(Output(_TOPICS[verdict], key, value, _cloud_event(annotation, verdict, record)))
    work.verdicts[verdict] += 1
    if not rejected:
        item.votes[who] = word
        work.annotations[key] = (record.timestamp, contract)


def _settle(work: _ValidatorBatch, now: int, *, limit: int) -> None:
    """Store the changed items and drop those that are due. A late annotation on a dropped item creates it again."""
    for key, (timestamp, contract) in work.annotations.items():
        item = work.items[key]
        work.changes[key] = Entry(item.closes_at(timestamp, contract), item.dump())
    for key in work.state.due(now, limit=limit):
        work.changes.setdefault(key, None)


def _canonical_json(raw: bytes, annotation: Annotation, canonical: Annotation, rules: RuleSet) -> bytes:
    """Return the annotation's original bytes; written anew only if a label has another canonical form.

    Gold that is no label of the contract is left out: it must not be taken for the truth by anybody downstream.
    """
    gold = canonical.item.gold
    is_unusable = gold is not None and rules.read_gold(gold) is None
    if canonical is annotation and not is_unusable:
        return raw
    written = orjson.loads(raw)
    for name in ("label", "prelabel"):
        if name in written:
            written[name] = getattr(canonical, name)
    if "gold" in written["item"]:
        written["item"]["gold"] = None if is_unusable else gold
    return orjson.dumps(written, default=_plain)


def _plain(part: BaseModel) -> object:
    """Return a span or box as JSON has it."""
    return part.model_dump(mode="json")


def _verdict_json(raw: bytes, findings: list[Finding], score: Score | None, version: int) -> bytes:
    """Return the verdict as JSON. It contains the annotation's bytes, which are known to be well-formed."""
    said = _FINDINGS.dump_json(findings) if findings else b"[]"
    scored = b"null" if score is None else orjson.dumps(score._asdict())
    return b"".join((_ANNOTATION, raw, _FINDINGS_KEY, said, _SCORE_KEY, scored, _VERSION_KEY, b"%d}" % version))


def _cloud_event(annotation: Annotation, verdict: str, record: Record) -> Headers:
    """Return the CloudEvents headers: the verdict keeps the annotation's id, and its source names the validator."""
    return [
        _SPECVERSION,
        ("ce_id", annotation.id.encode()),
        _TYPES[verdict],
        _SOURCE,
        ("ce_time", _iso(record.timestamp)),
        _CONTENT_TYPE,
        ("assay-offset", b"%d" % record.offset),
    ]


@lru_cache(maxsize=256)
def _moment(timestamp: int) -> datetime:
    """Return a record's time; cached, because the broker gives all records of a batch the same time."""
    return _EPOCH + timedelta(milliseconds=timestamp)


@lru_cache(maxsize=256)
def _iso(timestamp: int) -> bytes:
    return _moment(timestamp).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


def _dead_letter_headers(origin: BatchOrigin, record: Record, why: Undecodable) -> Headers:
    return [
        ("__connect.errors.topic", origin.topic.encode()),
        ("__connect.errors.partition", b"%d" % origin.partition),
        ("__connect.errors.offset", b"%d" % record.offset),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.class.name", _CLASS_IN_DEAD_LETTERS),
        ("__connect.errors.exception.class.name", _EXCEPTION_IN_DEAD_LETTERS),
        ("__connect.errors.exception.message", why.message.encode(errors="backslashreplace")),
        ("assay-reason", why.reason.encode()),
        ("assay-field", why.field.encode(errors="backslashreplace")),
        ("assay-offset", b"%d" % record.offset),
    ]


def _too_large(annotation: Annotation) -> Undecodable | None:
    """Return why an annotation cannot be carried: everything that is known of its item has to fit into a message."""
    for name in ("label", "prelabel"):
        size = len(orjson.dumps(getattr(annotation, name), default=_plain))
        if size > MOST_LABEL_BYTES:
            message = f"the {name} has {size:,} bytes, and at most {MOST_LABEL_BYTES:,} can be carried; leave it out"
            return Undecodable("too-large", name, message)
    return None


def _unknown_project(annotation: Annotation) -> Undecodable:
    message = (
        f"no contract for project '{annotation.project}'; apply one with `assay contract apply FILE`, then send again"
    )
    return Undecodable("unknown-project", "project", message)
