"""After an idle moment, a backlog that is older than the clock is published as if there had been none."""

import pytest

from tests.services.consensus.records import BEGAN_MS, Fed, a_crowd

HOUR_MS = 3_600_000


@pytest.mark.parametrize("topic", ["agreement.rolling", "annotators.reliability"])
def test_an_hour_of_backlog_is_published_after_an_idle_moment(topic: str) -> None:
    def published(*, idle_first: bool) -> int:
        fed = Fed()
        if idle_first:
            fed.core.idle(BEGAN_MS + HOUR_MS)
        for second, record in enumerate(a_crowd(items=60, annotators=3)):
            at = BEGAN_MS + second * 2_000
            fed.hear(type(record)(record.value, timestamp=at, offset=second))
        return len(fed.values(topic))

    assert published(idle_first=True) == published(idle_first=False) > 60
