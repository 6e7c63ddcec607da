"""Follow the exchange between partitions: the topics `annotators.counts` and `agreement.panes`."""

from assay_schemas.topics import COUNTS, PANES
from assay_services.consensus.core.exchange import Exchange
from assay_services.engine.compacted_topic import TopicFollower
from assay_services.engine.settings import RuntimeSettings

_FETCH_WAIT_MS = 100
"""Shorter than usual: what other partitions learned should be known soon."""


def follow_exchange(settings: RuntimeSettings, exchange: Exchange) -> TopicFollower:
    """Return the service that keeps an exchange up to date with what all partitions publish."""
    receivers = {COUNTS: exchange.receive_counts, PANES: exchange.receive_cell}
    return TopicFollower(settings, receivers, name="pool", fetch_wait_ms=_FETCH_WAIT_MS)
