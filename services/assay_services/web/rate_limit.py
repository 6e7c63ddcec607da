"""Rate limit per sender, and the error for a request above it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_MOST_SENDERS = 10_000


class RateLimitedError(Exception):
    """A request above the rate limit: HTTP status, reason, and seconds until a retry is allowed."""

    def __init__(self, status: int, reason: str, *, retry_after: int | None = None) -> None:
        """Refuse a request; `retry_after` is in seconds."""
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


@dataclass(slots=True)
class RateLimiter:
    """A token bucket per sender: `per_second` requests a second, and as many at once. `check` changes it."""

    per_second: float
    clock: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def check(self, sender: str) -> None:
        """Count one request; raise RateLimitedError (429) above the limit."""
        now = self.clock()
        left, at = self._left.pop(sender, (self.per_second, now))
        left = min(self.per_second, left + (now - at) * self.per_second)
        self._left[sender] = (max(left - 1, 0.0), now)
        if len(self._left) > _MOST_SENDERS:
            del self._left[next(iter(self._left))]
        if left < 1:
            raise RateLimitedError(
                429, f"more than {self.per_second:g} requests per second from this key", retry_after=1
            )
