"""The same cores over files, without Kafka: one JSONL file per output topic."""

import base64
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from services.cli.inputs import InputRecord
from services.runtime.state import PartitionState
from services.runtime.step import Headers, Output
from services.runtime.topics import DEAD, REJECTED, VALIDATED
from services.validator.core import Origin, Project, Validator

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A line of a file, as the core sees it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def replay(
    records: Iterable[InputRecord], *, projects: Mapping[str, Project], folder: Path, now: int
) -> Iterator[Counter[str]]:
    """Judge every record as if it arrived at `now` (ms since 1970); yield the verdicts after each batch.

    The files appear whole when all is done, or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    core = Validator(projects, Origin("annotations", 0))
    state, total, offset = PartitionState(), Counter[str](), 0
    with ExitStack() as stack:
        files = {topic.name: stack.enter_context(_part(folder, topic.name).open("wb")) for topic in _OUTPUTS}
        for chunk in _chunks(records):
            batch = [FileRecord(offset + i, now, record.key, record.value) for i, record in enumerate(chunk)]
            step = core.step(state, batch)
            state.apply(step.changes)
            for output in step.outputs:
                _write(files[output.topic], output)
            offset += len(batch)
            total.update(step.verdicts)
            yield total
    for topic in _OUTPUTS:
        _part(folder, topic.name).replace(folder / f"{topic.name}.jsonl")


_OUTPUTS = (VALIDATED, REJECTED, DEAD)


def _part(folder: Path, topic: str) -> Path:
    return folder / f".{topic}.jsonl.part"


def _chunks(records: Iterable[InputRecord]) -> Iterator[list[InputRecord]]:
    rest = iter(records)
    while chunk := list(itertools.islice(rest, _BATCH)):
        yield chunk


def _write(file: IO[bytes], output: Output) -> None:
    line = _dead_letter(output.value, output.headers) if output.topic == DEAD.name else output.value or b"null"
    file.write(line + b"\n")


def _dead_letter(value: bytes | None, headers: Headers) -> bytes:
    """Return a dead letter as JSON: bytes that are no text go as base64."""
    about = {name: (raw or b"").decode(errors="replace") for name, raw in headers}
    letter: dict[str, Any] = {
        "reason": about["assay-reason"],
        "field": about["assay-field"],
        "message": about["__connect.errors.exception.message"],
    }
    try:
        letter["value"] = None if value is None else value.decode()
    except UnicodeDecodeError:
        letter["value_base64"] = base64.b64encode(value or b"").decode()
    return orjson.dumps(letter)
