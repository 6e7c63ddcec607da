"""How often one sender may ask, and what a request that is refused is told."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_MOST_SENDERS = 10_000


class RateLimitedError(Exception):
    """A request that is not taken: with which status, why, and after how many seconds it may come again."""

    def __init__(self, status: int, reason: str, *, retry_after: int | None = None) -> None:
        """Say so."""
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


@dataclass(slots=True)
class RateLimiter:
    """A token bucket per sender: so many requests a second, and as many at once. It changes with every question."""

    per_second: float
    clock: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def check(self, sender: str) -> None:
        """Count one request; raise RefusedError (429) where it is one too many."""
        now = self.clock()
        left, at = self._left.pop(sender, (self.per_second, now))
        left = min(self.per_second, left + (now - at) * self.per_second)
        self._left[sender] = (max(left - 1, 0.0), now)
        if len(self._left) > _MOST_SENDERS:
            del self._left[next(iter(self._left))]
        if left < 1:
            raise RateLimitedError(429, f"more than {self.per_second:g} requests a second from this key", retry_after=1)
