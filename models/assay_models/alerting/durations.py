"""Durations in the notation of contracts: `15m`, `24h`, `7d`."""

_MINUTES = {"m": 1, "h": 60, "d": 1_440}


def minutes_of(duration: str) -> int:
    """Return a duration in minutes."""
    return int(duration[:-1]) * _MINUTES[duration[-1]]
