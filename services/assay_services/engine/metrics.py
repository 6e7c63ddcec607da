"""The register of metrics: each named once, with its meaning and its labels."""

from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from assay_services.engine.core.core_api import Step

REGISTRY = CollectorRegistry()
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_SIZES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
EVENTS_IN = Counter("assay_events_in", "Records read from the input topic.", ["service"], registry=REGISTRY)
VERDICTS = Counter("assay_verdicts", "Records judged, by outcome.", ["service", "verdict"], registry=REGISTRY)
FINDINGS = Counter("assay_findings", "Findings, by rule.", ["project", "rule", "action"], registry=REGISTRY)
DEAD_LETTERS = Counter("assay_dead_letters", "Dead letters, by reason.", ["reason"], registry=REGISTRY)
LAG = Gauge("assay_lag_events", "Records not read yet.", ["service", "partition"], registry=REGISTRY)
STATE_KEYS = Gauge("assay_state_keys", "Keys of state held.", ["service", "partition"], registry=REGISTRY)
TRANSACTION_SECONDS = Histogram(
    "assay_transaction_seconds",
    "From the first output of a batch to its commit.",
    ["service"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
STEP_SECONDS = Histogram("assay_step_seconds", "Deciding one batch.", ["service"], buckets=_SECONDS, registry=REGISTRY)
BATCH_EVENTS = Histogram("assay_batch_events", "Records in a batch.", ["service"], buckets=_SIZES, registry=REGISTRY)
LANE_RESTARTS = Counter(
    "assay_lane_restarts", "Times a partition was taken up again, by cause.", ["service", "cause"], registry=REGISTRY
)
MODEL_SECONDS = Histogram(
    "assay_model_seconds",
    "Scoring one batch with the consistency model.",
    ["project"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
MODEL_UNAVAILABLE = Gauge(
    "assay_model_unavailable", "1 while a contract names a model that cannot be used.", ["project"], registry=REGISTRY
)
CONTRACT_VERSION = Gauge("assay_contract_version", "The contract version in force.", ["project"], registry=REGISTRY)
CORRECTIONS = Counter(
    "assay_corrections", "Annotations called wrong, and corrections taken back.", ["project", "kind"], registry=REGISTRY
)
GATEWAY_RECORDS = Counter(
    "assay_gateway_records", "Records made durable, by where: kafka, spool, drained.", ["where"], registry=REGISTRY
)
GATEWAY_REQUESTS = Counter(
    "assay_gateway_requests", "Requests answered, by route and status.", ["route", "status"], registry=REGISTRY
)
GATEWAY_SECONDS = Histogram(
    "assay_gateway_seconds",
    "From a request's first byte to its answer.",
    ["route"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "assay_gateway_deliveries", "Deliveries of platforms, by outcome.", ["connection", "outcome"], registry=REGISTRY
)
RECOVERED = Counter(
    "assay_gateway_recovered", "Annotations that only reconciliation found.", ["connection"], registry=REGISTRY
)
UNREAD = Counter(
    "assay_gateway_unread",
    "Parts left out of complete annotations, by tag or shape.",
    ["connection", "what"],
    registry=REGISTRY,
)
WRITTEN_BACK = Counter(
    "assay_gateway_written_back", "Items whose verdict was written to the platform.", ["connection"], registry=REGISTRY
)
SPOOLED_RECORDS = Gauge("assay_gateway_spooled_records", "Records that wait for Kafka on disk.", registry=REGISTRY)
SPOOLED_BYTES = Gauge("assay_gateway_spooled_bytes", "Bytes of records that wait for Kafka.", registry=REGISTRY)
KAFKA_IS_THERE = Gauge("assay_gateway_kafka_is_there", "1 while Kafka takes records.", registry=REGISTRY)
ARCHIVE_RETRIES = Counter(
    "assay_archive_retries",
    "Transactions of the archive done again: away (the database did not answer), overtaken (by another archive).",
    ["cause"],
    registry=REGISTRY,
)
ARCHIVE_UNREADABLE = Counter(
    "assay_archive_unreadable", "Records that no row could be made of, by topic.", ["topic"], registry=REGISTRY
)
ALERT_SERIES_DROPPED = Counter(
    "assay_alert_series_dropped",
    "Alerts that were forgotten because a rule had too many of them.",
    ["project", "rule"],
    registry=REGISTRY,
)
ALERT_DELIVERIES = Counter(
    "assay_alert_deliveries", "Tries to deliver a message, by outcome.", ["outcome"], registry=REGISTRY
)
ALERT_MESSAGES = Gauge("assay_alert_messages", "Messages that are due, or dead.", ["fate"], registry=REGISTRY)
PARKED_PROJECTS = Gauge(
    "assay_parked_projects",
    "Projects whose work stopped at an error and waits.",
    ["service", "partition"],
    registry=REGISTRY,
)
NOTES = {
    "findings": FINDINGS,
    "dead_letters": DEAD_LETTERS,
    "corrections": CORRECTIONS,
    "alert_series_dropped": ALERT_SERIES_DROPPED,
}
"""The counters that a core may name in `Step.notes`."""


class BatchTimes(NamedTuple):
    """One committed batch: whose, how many records, how long (s) it took to decide and to commit."""

    service: str
    partition: int
    events: int
    step_seconds: float
    transaction_seconds: float


def count_batch(batch: BatchTimes, step: Step, *, state_keys: int, lag: int | None) -> None:
    """Count one batch; `lag` is how many records are not read yet, None where that is not known."""
    service, number = batch.service, str(batch.partition)
    EVENTS_IN.labels(service).inc(batch.events)
    BATCH_EVENTS.labels(service).observe(batch.events)
    STEP_SECONDS.labels(service).observe(batch.step_seconds)
    TRANSACTION_SECONDS.labels(service).observe(batch.transaction_seconds)
    STATE_KEYS.labels(service, number).set(state_keys)
    for verdict, count in step.verdicts.items():
        VERDICTS.labels(service, verdict).inc(count)
    for (name, *labels), count in step.notes.items():
        NOTES[name].labels(*labels).inc(count)
    if lag is not None:
        LAG.labels(service, number).set(lag)
