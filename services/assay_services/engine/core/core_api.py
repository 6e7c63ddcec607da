"""The interface between a core and the lane: values only, which makes a step repeatable anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

Headers = list[tuple[str, bytes | None]]


class Record(Protocol):
    """One input record. `timestamp` is in ms since 1970 and is the only "now" that a core has."""

    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...  # noqa: D102


class Output(NamedTuple):
    """One record to publish, to the same partition number as the input."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class Entry(NamedTuple):
    """One value of the state. From `wake_at` (ms since 1970) on, its key is due."""

    wake_at: int
    value: bytes


class State(Protocol):
    """Read access to the state of one partition."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of the key, or None."""
        ...

    def due(self, now: int, *, limit: int) -> Sequence[bytes]:
        """Return at most `limit` keys whose `wake_at` (ms) is not after `now`, earliest first."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one batch: records to publish, changes to the state, and counts.

    `verdicts` counts the records of the batch by outcome; the sum is the batch's length (the ledger).
    `notes` counts anything else, by metric name and label values.
    """

    outputs: Sequence[Output]
    changes: Mapping[bytes, Entry | None]
    verdicts: Mapping[str, int]
    notes: Mapping[tuple[str, ...], int] = field(default_factory=dict)


class NotYet(Exception):
    """Something that the step needs may be about to arrive: the lane waits a moment and repeats the step."""


class Core(Protocol):
    """What a lane runs: pure, deterministic, one batch at a time, in order."""

    def step(self, state: State, batch: Sequence[Record]) -> Step:
        """Return the result of a batch. An exception other than NotYet parks the project that causes it."""
        ...

    def idle(self, now: int) -> Step | None:  # noqa: ARG002  # it is for those who override this
        """Use an idle moment at `now` (ms since 1970), without consuming a record; return None for no change.

        The default does nothing.
        """
        return None
