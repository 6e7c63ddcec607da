"""What a lane counts of every batch, in the register of metrics."""

from typing import NamedTuple

from assay_services.engine import metrics
from assay_services.engine.core.core_api import Step


class Batch(NamedTuple):
    """One committed batch: whose, how many records, how long (s) it took to decide and to commit."""

    service: str
    partition: int
    events: int
    step_seconds: float
    transaction_seconds: float


def count_batch(batch: Batch, step: Step, *, state_keys: int, lag: int | None) -> None:
    """Count one batch; `lag` is how many records are not read yet, None where that is not known."""
    service, number = batch.service, str(batch.partition)
    metrics.EVENTS_IN.labels(service).inc(batch.events)
    metrics.BATCH_EVENTS.labels(service).observe(batch.events)
    metrics.STEP_SECONDS.labels(service).observe(batch.step_seconds)
    metrics.TRANSACTION_SECONDS.labels(service).observe(batch.transaction_seconds)
    metrics.STATE_KEYS.labels(service, number).set(state_keys)
    for verdict, count in step.verdicts.items():
        metrics.VERDICTS.labels(service, verdict).inc(count)
    for (name, *labels), count in step.notes.items():
        metrics.NOTES[name].labels(*labels).inc(count)
    if lag is not None:
        metrics.LAG.labels(service, number).set(lag)
