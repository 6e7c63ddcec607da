"""The dead letters of a replay, and the places in the files that they come from."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from assay_schemas.topics import DEAD
from assay_services.ingest.input_record import InputRecord


class ReplayedDeadLetter(NamedTuple):
    """A record that could not be read. `offset` is its number among all records of the replay, from 0."""

    offset: int
    reason: str
    message: str


def read_dead_letters(folder: Path) -> Iterator[ReplayedDeadLetter]:
    """Yield the dead letters that a replay wrote into a folder."""
    with (folder / f"{DEAD.name}.jsonl").open("rb") as lines:
        for line in lines:
            letter = orjson.loads(line)
            yield ReplayedDeadLetter(letter["offset"], letter["reason"], letter["message"])


class RecordPlaces:
    """Where each record of a replay comes from: eight bytes for each."""

    def __init__(self) -> None:
        """Start without any."""
        self._lines = array("Q")
        self._starts: list[int] = []
        self._paths: list[Path] = []

    def note(self, path: Path, records: Iterable[InputRecord]) -> Iterator[InputRecord]:
        """Pass the records of a file on, and note their lines."""
        self._starts.append(len(self._lines))
        self._paths.append(path)
        for record in records:
            self._lines.append(record.line)
            yield record

    def of(self, offset: int) -> str:
        """Return `file:line` of a record."""
        return f"{self._paths[bisect_right(self._starts, offset) - 1]}:{self._lines[offset]}"
