"""Count what was left out of annotations: for Prometheus, and for the connection's page."""

from collections import Counter
from collections.abc import Iterable

from assay_schemas.annotation import Annotation
from assay_services.engine import metrics
from assay_services.gateway.core.platforms.supported_tags import tag_of
from assay_services.gateway.core.unread_part import UnreadPart
from assay_services.stores.control.connection_store import ConnectionStore


def count_unread(
    connections: ConnectionStore, connection: str, parts: Iterable[UnreadPart], published: Iterable[Annotation]
) -> None:
    """Count the parts of the annotations that are published now: one that is seen again is not counted again."""
    names = {one.source.annotation for one in published if one.source is not None}
    counts: Counter[str] = Counter()
    for one in parts:
        if one.annotation in names:
            counts[tag_of(one.what)] += one.count
    for what, count in counts.items():
        metrics.UNREAD.labels(connection, what).inc(count)
    connections.count_unread(connection, counts)
