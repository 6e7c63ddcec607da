"""Erase an item or an annotator from the state of every service, in Kafka."""

from collections import Counter
from collections.abc import Callable
from functools import partial

from assay_schemas.topics import (
    ALERTS_STATE,
    ANNOTATIONS,
    CONDUCT,
    CONDUCT_STATE,
    CONSENSUS,
    CONSENSUS_STATE,
    COUNTS,
    JUDGED,
    OBSERVED,
    RELIABILITY,
    REVIEW,
    SINGLE,
    VALIDATED,
    VALIDATOR_STATE,
)
from assay_services.alerts.core.erase import forget as forget_alerts
from assay_services.conduct.core.erase import forget as forget_conduct
from assay_services.consensus.core.erase import forget as forget_consensus
from assay_services.engine.core.erasure_request import Erasure, ErasureRequest, Published
from assay_services.engine.core.state import PartitionState
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.takeover import LaneDescriptor, read_lane, take_over
from assay_services.validator.core.erase import forget as forget_validator

Forget = Callable[[PartitionState, Published, ErasureRequest], Erasure]

_LANES: tuple[tuple[LaneDescriptor, Forget], ...] = (
    (LaneDescriptor("validator", ANNOTATIONS.name, VALIDATOR_STATE.name), forget_validator),
    (
        LaneDescriptor(
            "consensus",
            VALIDATED.name,
            CONSENSUS_STATE.name,
            (CONSENSUS.name, REVIEW.name, RELIABILITY.name, COUNTS.name),
        ),
        forget_consensus,
    ),
    (LaneDescriptor("conduct", JUDGED.name, CONDUCT_STATE.name, (CONDUCT.name,)), forget_conduct),
    (LaneDescriptor("alerts", OBSERVED.name, ALERTS_STATE.name), forget_alerts),
)


async def erase_in_kafka(settings: RuntimeSettings, whom: ErasureRequest, *, dry_run: bool) -> Counter[str]:
    """Erase in each partition that has anything to erase. Return the number of changed records by topic."""
    counts: Counter[str] = Counter()
    for held, forget_there in _LANES:
        decide = partial(_decide, forget_there, whom)
        for number in range(1 if held.source in SINGLE else settings.partitions):
            change = await read_lane(settings, held, number, decide)
            if change and not dry_run:
                change = await take_over(settings, held, number, decide)
            counts[held.state] += len(change.stored)
            counts.update(output.topic for output in change.outputs)
    return counts


def _decide(forget_there: Forget, whom: ErasureRequest, state: PartitionState, published: Published) -> Erasure:
    return forget_there(state, published, whom)
