"""The register of topics: name, purpose, key, value and retention of each."""

from dataclasses import dataclass
from enum import StrEnum

from assay_schemas.agreement import AgreementReading, PaneCounts
from assay_schemas.alert import Alert, Observation
from assay_schemas.annotation import Annotation, Event
from assay_schemas.conduct import ConductReport, Signal
from assay_schemas.consensus import AnnotatorCounts, Consensus, Correction, Reliability, ReviewRequest
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.judged_item import JudgedItem
from assay_schemas.verdict import RejectedAnnotation, ValidatedAnnotation

LARGEST_MESSAGE_BYTES = 8 * 1024 * 1024
UNREADABLE_HEADER = "assay-unreadable"
"""The header of a record on `annotations` that holds what could not be read of a file: file, line, what was expected.

Its value is the row's own bytes, and the validator makes it a dead letter with that reason.
"""


class Kept(StrEnum):
    """Retention of a topic: records for a limited time, or the newest record of each key for ever."""

    TIME = "delete"
    COMPACTED = "compact"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    `value` is None if the bytes have no schema; `single`: the topic has one partition; `broker_time`: the broker, not
    the producer, sets the timestamps.
    """

    name: str
    purpose: str
    key: str
    value: type[Event] | None
    kept: Kept = Kept.TIME
    single: bool = False
    broker_time: bool = False


ANNOTATIONS = Topic(
    "annotations", "Annotation events as the platforms send them.", "project:item", Annotation, broker_time=True
)
VALIDATED = Topic(
    "annotations.validated",
    "Annotations that may be used, with findings and score.",
    "project:item",
    ValidatedAnnotation,
)
REJECTED = Topic(
    "annotations.rejected",
    "Annotations that break their contract, with the reasons.",
    "project:item",
    RejectedAnnotation,
)
DEAD = Topic(
    "annotations.dead", "Bytes that are no annotation; the reason is in the headers.", "the original key", None
)
CONTRACTS = Topic(
    "contracts", "The label contract of each project.", "project", LabelContract, kept=Kept.COMPACTED, single=True
)
VALIDATOR_STATE = Topic(
    "validator.state", "The validator's open items and its positions.", "state key", None, kept=Kept.COMPACTED
)
CONSENSUS = Topic(
    "items.consensus", "The most probable label of each item.", "project:item", Consensus, kept=Kept.COMPACTED
)
CORRECTED = Topic(
    "annotations.corrected",
    "Annotations that are very probably wrong, and corrections that are taken back.",
    "project:item",
    Correction,
)
REVIEW = Topic(
    "items.review", "Items that a person should look at.", "project:item", ReviewRequest, kept=Kept.COMPACTED
)
AGREEMENT = Topic(
    "agreement.rolling", "How well the annotators agree, by window of event time.", "project", AgreementReading
)
RELIABILITY = Topic(
    "annotators.reliability",
    "How reliable each annotator is, over all partitions.",
    "project:annotator",
    Reliability,
    kept=Kept.COMPACTED,
)
PANES = Topic(
    "agreement.panes",
    "What each partition has counted by pane; for the other partitions.",
    "project, scope, minute, partition",
    PaneCounts,
    kept=Kept.COMPACTED,
)
COUNTS = Topic(
    "annotators.counts",
    "What each partition has learned of each annotator; for the other partitions.",
    "project, annotator, partition",
    AnnotatorCounts,
    kept=Kept.COMPACTED,
)
JUDGED = Topic(
    "items.judged",
    "Items with their annotations, each beside what the others say: for those who watch conduct.",
    "project:item",
    JudgedItem,
    single=True,
)
SIGNALS = Topic(
    "annotators.signals",
    "What was detected about an annotator, with the evidence and the false-alarm level.",
    "project:annotator",
    Signal,
    single=True,
)
CONDUCT = Topic(
    "annotators.conduct",
    "How each annotator works: accuracy, speed, peers, trend.",
    "project:annotator",
    ConductReport,
    kept=Kept.COMPACTED,
    single=True,
)
CONDUCT_STATE = Topic(
    "conduct.state",
    "What conduct remembers of each annotator, and its position.",
    "state key",
    None,
    kept=Kept.COMPACTED,
    single=True,
)
CONSENSUS_STATE = Topic(
    "consensus.state", "The consensus's open items and its positions.", "state key", None, kept=Kept.COMPACTED
)
OBSERVED = Topic(
    "alerts.observed",
    "What alert rules are judged by, and what people ask for: picked out of the other topics.",
    "project",
    Observation,
    single=True,
)
ALERTS = Topic("alerts", "Alerts, as they begin, are acknowledged and end.", "alert", Alert, single=True)
ALERTS_STATE = Topic(
    "alerts.state", "What the alerts remember, and their position.", "state key", None, kept=Kept.COMPACTED, single=True
)


def _observer_state(of: str, *, single: bool = False) -> Topic:
    """Return the state topic of one observer of the alert service, which holds only its position."""
    purpose = f"How far the alerts have read {of}."
    return Topic(f"alerts.{of}.state", purpose, "state key", None, kept=Kept.COMPACTED, single=single)


ALERTS_VALIDATED_STATE = _observer_state("annotations.validated")
ALERTS_REJECTED_STATE = _observer_state("annotations.rejected")
ALERTS_CONSENSUS_STATE = _observer_state("items.consensus")
ALERTS_AGREEMENT_STATE = _observer_state("agreement.rolling")
ALERTS_SIGNALS_STATE = _observer_state("annotators.signals", single=True)
TOPICS = (
    ANNOTATIONS,
    VALIDATED,
    REJECTED,
    DEAD,
    CONTRACTS,
    VALIDATOR_STATE,
    CONSENSUS,
    CORRECTED,
    REVIEW,
    AGREEMENT,
    RELIABILITY,
    PANES,
    COUNTS,
    JUDGED,
    CONSENSUS_STATE,
    SIGNALS,
    CONDUCT,
    CONDUCT_STATE,
    OBSERVED,
    ALERTS,
    ALERTS_STATE,
    ALERTS_VALIDATED_STATE,
    ALERTS_REJECTED_STATE,
    ALERTS_CONSENSUS_STATE,
    ALERTS_AGREEMENT_STATE,
    ALERTS_SIGNALS_STATE,
)
"""All topics of Assay, for AsyncAPI, topic creation and `assay tail`."""

SINGLE = frozenset(topic.name for topic in TOPICS if topic.single)
"""Names of the topics with a single partition: all partitions write to it, and one consumer sees every record."""
