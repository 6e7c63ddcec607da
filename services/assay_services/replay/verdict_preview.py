"""What would become of records: the validator's verdict on each, without Kafka and without any file."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import orjson

from assay_schemas.annotation import ProjectId
from assay_schemas.decoder import Undecodable, decode
from assay_schemas.topics import DEAD, REJECTED, VALIDATED
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.ledger import SUPERSEDED
from assay_services.engine.core.state import PartitionState
from assay_services.ingest.input_record import InputRecord
from assay_services.replay.run import file_record
from assay_services.validator.core.step import UNREADABLE, BatchOrigin, ValidatorCore, ValidatorProject

_BATCH = 2_000
_VERDICTS = {VALIDATED.name: "validated", REJECTED.name: "rejected", DEAD.name: "dead"}
READABLE = "readable"


class PreviewedRecord(NamedTuple):
    """A record, its verdict, and why it is not valid. Without a contract, the verdict is `readable` or `dead`."""

    record: InputRecord
    verdict: str
    reason: str | None


def preview(
    records: Iterable[InputRecord], projects: Mapping[ProjectId, ValidatorProject], *, now: int
) -> Iterator[PreviewedRecord]:
    """Yield what would become of each record if it arrived at `now` (ms since 1970)."""
    core, state = ValidatorCore(projects, BatchOrigin("annotations", 0)), PartitionState()
    rest = iter(records)
    while chunk := list(itertools.islice(rest, _BATCH)):
        if not projects:
            yield from map(_readable, chunk)
            continue
        step = core.step(state, [file_record(place, now, record) for place, record in enumerate(chunk)])
        state.apply(step.changes)
        outputs = {int(dict(one.headers)["assay-offset"] or b"0"): one for one in step.outputs}
        for place, record in enumerate(chunk):
            yield _previewed(record, outputs.get(place))


def _readable(record: InputRecord) -> PreviewedRecord:
    (found,) = decode([record.value])
    problem = record.problem or (found.message if isinstance(found, Undecodable) else None)
    return PreviewedRecord(record, READABLE if problem is None else "dead", problem)


def _previewed(record: InputRecord, output: Output | None) -> PreviewedRecord:
    if output is None:
        return PreviewedRecord(record, SUPERSEDED, "a repeat, or older than another row of the same annotator and item")
    verdict = _VERDICTS[output.topic]
    if output.topic == DEAD.name:
        headers = dict(output.headers)
        message = (headers["__connect.errors.exception.message"] or b"").decode(errors="replace")
        return PreviewedRecord(
            record, verdict, record.problem if headers["assay-reason"] == UNREADABLE.encode() else message
        )
    return PreviewedRecord(record, verdict, _objection(output.value) if verdict == "rejected" else None)


def _objection(value: bytes | None) -> str:
    findings = orjson.loads(value or b"{}")["findings"]
    return "; ".join(f"{one['rule']}: {one['message']}" for one in findings if one["action"] == "reject")
