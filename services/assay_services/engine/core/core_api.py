"""What a core says to the lane: values only, so that a step can be replayed anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

Headers = list[tuple[str, bytes | None]]


class Record(Protocol):
    """One record of the input, as a core sees it. `timestamp` is in ms since 1970: the only "now" a core has."""

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
    """One record to publish, on the same partition number as the input."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class Entry(NamedTuple):
    """One value of the state. After `wake_at` (ms since 1970) the state names its key as due."""

    wake_at: int
    value: bytes


class State(Protocol):
    """The state of one partition, to read."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of the key, or None."""
        ...

    def due(self, now: int, *, limit: int) -> Sequence[bytes]:
        """Return at most `limit` keys whose `wake_at` (ms) is not after `now`, earliest first."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """What one batch comes to: what to publish, how the state changes, and what to count.

    `verdicts` counts the records of the batch by outcome; they add up to the batch (the ledger).
    `notes` counts anything else, by metric name and label values.
    """

    outputs: Sequence[Output]
    changes: Mapping[bytes, Entry | None]
    verdicts: Mapping[str, int]
    notes: Mapping[tuple[str, ...], int] = field(default_factory=dict)


class NotYet(Exception):
    """Something that the step needs may be on its way: the lane waits a moment, and asks once more."""


class Core(Protocol):
    """What a lane runs: pure, deterministic, one batch at a time, in order."""

    def step(self, state: State, batch: Sequence[Record]) -> Step:
        """Decide what the batch comes to. An exception is a bug and stops the worker, but for NotYet."""
        ...

    def idle(self, now: int) -> Step | None:  # noqa: ARG002  # it is for those who override this
        """Use a quiet moment, at `now` (ms since 1970); None where there is nothing to do. No record is taken.

        Most cores have nothing to do then.
        """
        return None
