"""Whether a while has passed, by the times of records and of idle moments."""


def has_passed(since: int, now: int, wanted: int) -> bool:
    """Return whether `wanted` ms have passed from `since` to `now` (ms since 1970).

    Also true if `now` lies before `since`: after an idle moment, a backlog is older than the clock, and what is due
    must not wait until record time has caught up.
    """
    return not 0 <= now - since < wanted
