"""The state of one partition: a map from keys to bytes, with the time at which each key is due."""

from collections.abc import Iterator, Mapping, Sequence

from assay_services.engine.core.core_api import Entry

_BUCKET_MS = 60_000
_WAKE_BYTES = 8


class PartitionState:
    """A dictionary from bytes to bytes in which every key has a wake-up time.

    Values stay serialised until a core needs them: a million of them load fast and use little memory. Wake-up times are
    grouped into buckets of one minute. A rescheduled key leaves a stale entry in its old bucket, which is dropped when
    that bucket is due.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._stored: dict[bytes, bytes] = {}
        self._buckets: dict[int, list[bytes]] = {}

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._stored)

    def get(self, key: bytes) -> bytes | None:
        """Return the value of the key, or None."""
        stored = self._stored.get(key)
        return None if stored is None else stored[_WAKE_BYTES:]

    def due(self, now: int, *, limit: int) -> Sequence[bytes]:
        """Return at most `limit` keys that are due at `now` (ms), earliest minute first."""
        found: list[bytes] = []
        last = now // _BUCKET_MS
        for minute in sorted(minute for minute in self._buckets if minute <= last):
            live = [key for key in dict.fromkeys(self._buckets[minute]) if self._minute(key) == minute]
            if not live:
                del self._buckets[minute]
                continue
            self._buckets[minute] = live
            found.extend(key for key in live if self.wake_at(key) <= now)
            if len(found) >= limit:
                break
        return found[:limit]

    def apply(self, changes: Mapping[bytes, Entry | None]) -> None:
        """Apply the changes of a step; None deletes a key."""
        self.apply_stored(stored_changes(changes))

    def apply_stored(self, stored: Mapping[bytes, bytes | None]) -> None:
        """Apply changes in stored form; None deletes a key."""
        for key, value in stored.items():
            self.load(key, value)

    def load(self, key: bytes, stored: bytes | None) -> None:
        """Apply one record of the state topic; None is a tombstone."""
        if stored is None:
            self._stored.pop(key, None)
            return
        minute = int.from_bytes(stored[:_WAKE_BYTES], "big") // _BUCKET_MS
        if key not in self._stored or self._minute(key) != minute:
            self._buckets.setdefault(minute, []).append(key)
        self._stored[key] = stored

    def values(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every key with its value."""
        for key, stored in self._stored.items():
            yield key, stored[_WAKE_BYTES:]

    def items(self) -> Mapping[bytes, bytes]:
        """Return every key with its value in stored form, for comparison."""
        return self._stored

    def wake_at(self, key: bytes) -> int:
        """Return when (ms since 1970) a key is due; -1 if there is no such key."""
        stored = self._stored.get(key)
        return -1 if stored is None else int.from_bytes(stored[:_WAKE_BYTES], "big")

    def _minute(self, key: bytes) -> int:
        return self.wake_at(key) // _BUCKET_MS


def stored_changes(changes: Mapping[bytes, Entry | None]) -> dict[bytes, bytes | None]:
    """Return the changes of a step in stored form, as written to the state topic; None is a tombstone."""
    return {key: None if entry is None else stored_form(entry) for key, entry in changes.items()}


def stored_form(entry: Entry) -> bytes:
    """Return the bytes written to the state topic: `wake_at` (ms since 1970) as 8 bytes, then the value."""
    return entry.wake_at.to_bytes(_WAKE_BYTES, "big") + entry.value
