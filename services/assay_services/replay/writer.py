"""The files of a replay: one JSONL file per output topic, written completely or not at all."""

import base64
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from assay_schemas.topics import (
    AGREEMENT,
    ALERTS,
    CONDUCT,
    CONSENSUS,
    CORRECTED,
    DEAD,
    REJECTED,
    RELIABILITY,
    REVIEW,
    SIGNALS,
    VALIDATED,
    Kept,
)
from assay_services.engine.core.core_api import Headers, Output

_TOPICS = {
    topic.name: topic
    for topic in (
        VALIDATED,
        REJECTED,
        DEAD,
        CONSENSUS,
        CORRECTED,
        REVIEW,
        AGREEMENT,
        RELIABILITY,
        SIGNALS,
        CONDUCT,
        ALERTS,
    )
}
_OF_A_WATCH = {SIGNALS.name, CONDUCT.name, ALERTS.name}


class Results:
    """Writes outputs to files; for a compacted topic, the last record of each key."""

    def __init__(self, folder: Path, *, watched: bool = True) -> None:
        """Write to `folder`, which is created if missing.

        `watched`: whether to write files of conduct and alerts.
        """
        self._folder = folder
        self._topics = {name: topic for name, topic in _TOPICS.items() if watched or name not in _OF_A_WATCH}
        self._open = ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self._newest: dict[str, dict[bytes | None, bytes]] = {}

    def __enter__(self) -> Self:
        """Open temporary files."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, topic in self._topics.items():
            self._files[name] = self._open.enter_context(self._part(name).open("wb"))
            if topic.kept is Kept.COMPACTED:
                self._newest[name] = {}
        return self

    def write(self, outputs: Iterable[Output]) -> None:
        """Write the outputs of a step; topics that services use only among themselves are left out."""
        for output in outputs:
            newest = self._newest.get(output.topic)
            if newest is None:
                if output.topic in self._files:
                    self._files[output.topic].write(_line(output) + b"\n")
            elif output.value is None:
                newest.pop(output.key, None)
            else:
                newest[output.key] = output.value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Move the files into place, unless an error occurred."""
        for name, newest in self._newest.items():
            self._files[name].writelines(value + b"\n" for value in newest.values())
        self._open.close()
        for name in _TOPICS if kind is None else ():
            if name in self._files:
                self._part(name).replace(self._file(name))
            else:
                self._file(name).unlink(missing_ok=True)  # a file of an earlier replay

    def _file(self, topic: str) -> Path:
        return self._folder / f"{topic}.jsonl"

    def _part(self, topic: str) -> Path:
        return self._folder / f".{topic}.jsonl.part"


def _line(output: Output) -> bytes:
    return _dead_letter(output.value, output.headers) if output.topic == DEAD.name else output.value or b"null"


def _dead_letter(value: bytes | None, headers: Headers) -> bytes:
    """Return a dead letter as JSON; bytes that are not text are encoded as base64."""
    about = {name: (raw or b"").decode(errors="replace") for name, raw in headers}
    letter: dict[str, Any] = {
        "reason": about["assay-reason"],
        "field": about["assay-field"],
        "message": about["__connect.errors.exception.message"],
        "offset": int(about["assay-offset"]),
    }
    try:
        letter["value"] = None if value is None else value.decode()
    except UnicodeDecodeError:
        letter["value_base64"] = base64.b64encode(value or b"").decode()
    return orjson.dumps(letter)
