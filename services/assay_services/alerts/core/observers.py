"""Extract from one topic what alert rules need: each batch becomes one small record per project."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from assay_models.alerting import selectors
from assay_models.alerting.durations import minutes_of
from assay_schemas.agreement import AgreementReading
from assay_schemas.alert import Gauge, Observation, Occurrence, Tally
from assay_schemas.alert_rule import AlertRule, Metric
from assay_schemas.annotation import ProjectId, microseconds
from assay_schemas.conduct import Signal, SignalState
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import AGREEMENT, CONSENSUS, OBSERVED, REJECTED, SIGNALS, VALIDATED
from assay_services.alerts.core import decode
from assay_services.engine.core.core_api import Core, NotYet, Output, Record, State, Step

OBSERVED_TOPIC = OBSERVED.name
_MINUTE_MS = 60_000
_OF_ANNOTATIONS = {
    Metric.REJECTION_SHARE, Metric.LABEL_SHARE, Metric.MODEL_DISAGREEMENT, Metric.FINDING_RATE, Metric.LAG,
}  # fmt: skip
_COUNTED_TOO_WHEN_REJECTED = {Metric.REJECTION_SHARE, Metric.FINDING_RATE}
_OF_CONSENSUS, _OF_AGREEMENT, _OF_SIGNALS = {Metric.REVIEW_SHARE}, {Metric.AGREEMENT}, {Metric.SIGNAL}

ContractsByProject = Mapping[ProjectId, LabelContract]


@dataclass(slots=True)
class _ProjectCounts:
    """The counts of one batch for one project. It changes in place."""

    tallies: defaultdict[tuple[str, bytes, int], list[float]] = field(
        default_factory=lambda: defaultdict(lambda: [0.0, 0])
    )
    gauges: list[Gauge] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)
    newest: int = 0

    def count(self, rule: AlertRule, at: int, counts: Iterable[selectors.Count]) -> None:
        """Count for a rule, in the minute of `at` (ms since 1970)."""
        for labels, hits, total in counts:
            key = (rule.id, orjson.dumps(labels, option=orjson.OPT_SORT_KEYS), at // _MINUTE_MS)
            tally = self.tallies[key]
            tally[0] += hits
            tally[1] += total

    def to_output(self, project: ProjectId, source: str) -> Output:
        """Return the counts as a record."""
        tallies = [
            Tally.model_construct(rule=rule, labels=orjson.loads(labels), minute=minute, hits=hits, total=int(total))
            for (rule, labels, minute), (hits, total) in self.tallies.items()
        ]
        said = Observation.model_construct(
            project=project, source=source, newest=self.newest, tallies=tallies, gauges=self.gauges,
            occurrences=self.occurrences, orders=[],
        )  # fmt: skip
        return Output(OBSERVED_TOPIC, project.encode(), said.model_dump_json().encode(), [])


CountRecord = Callable[[dict[ProjectId, _ProjectCounts], Record], str]
"""A function that reads one record and returns its outcome."""


class Observer(Core):
    """Counts for alert rules from one partition of one topic. It has no state.

    It publishes the counts of each batch, so a committed transaction adds them exactly once.
    """

    def __init__(
        self, contracts: ContractsByProject, source: str, take: "Callable[[ContractLookup], CountRecord]"
    ) -> None:
        """Count for the rules of `contracts`; `source` names topic and partition, `take` makes their reader."""
        self._source = source
        self._known = ContractLookup(contracts)
        self._take = take(self._known)

    def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002  # unused
        """Count one batch."""
        found: defaultdict[ProjectId, _ProjectCounts] = defaultdict(_ProjectCounts)
        verdicts = Counter(self._take(found, record) for record in batch)
        self._known.await_missing()
        outputs = [one.to_output(project, self._source) for project, one in found.items()]
        return Step(outputs, {}, verdicts)


class ContractLookup:
    """The contracts in force; a missing contract is awaited once per project."""

    def __init__(self, contracts: ContractsByProject) -> None:
        """Look up in `contracts`, which changes as contracts arrive."""
        self._contracts = contracts
        self._missing: set[ProjectId] = set()
        self._awaited: set[ProjectId] = set()

    def contract_of(self, project: ProjectId) -> LabelContract | None:
        """Return the contract of a project, or None."""
        contract = self._contracts.get(project)
        if contract is None:
            self._missing.add(project)
        return contract

    def await_missing(self) -> None:
        """Raise NotYet if contracts were missing that have not been awaited: once for all projects of a batch."""
        new = self._missing - self._awaited
        self._awaited |= new
        if new:
            raise NotYet(f"the contract of {', '.join(sorted(new))}")


def of_annotations(*, rejected: bool) -> Callable[[ContractLookup], CountRecord]:
    """Return the reader of `annotations.validated`, or of `annotations.rejected`."""

    def begin(known: ContractLookup) -> CountRecord:
        def take(found: dict[ProjectId, _ProjectCounts], record: Record) -> str:
            timed = decode.judged(record, rejected=rejected)
            if timed is None:
                return "without-label"
            contract = known.contract_of(timed.project)
            if contract is None:
                return "no-contract"
            return _count_annotation(found, timed, contract)

        return take

    return begin


def _count_annotation(found: dict[ProjectId, _ProjectCounts], timed: decode.Timed, contract: LabelContract) -> str:
    rules = [rule for rule in _rules(contract, _OF_ANNOTATIONS) if _is_counted(rule, timed.what)]
    if not rules:
        return "no-rule"
    vocabulary = getattr(contract.label, "values", ())
    one = found[timed.project]
    one.newest = max(one.newest, timed.at)
    for rule in rules:
        one.count(rule, timed.at, selectors.counts(rule, timed.what, vocabulary))
    return "counted"


def _is_counted(rule: AlertRule, seen: selectors.RuleInput) -> bool:
    return not seen.rejected or rule.metric in _COUNTED_TOO_WHEN_REJECTED


def of_consensus(known: ContractLookup) -> CountRecord:
    """Return the reader of `items.consensus`."""

    def take(found: dict[ProjectId, _ProjectCounts], record: Record) -> str:
        decided = decode.decided(record)
        if decided is None:
            return "not-complete"
        project, at, disputed = decided
        contract = known.contract_of(project)
        rules = _rules(contract, _OF_CONSENSUS)
        for rule in rules:
            found[project].newest = max(found[project].newest, at)
            found[project].count(rule, at, [selectors.Count({}, float(disputed), 1)])
        return "counted" if rules else "no-rule"

    return take


def of_agreement(known: ContractLookup) -> CountRecord:
    """Return the reader of `agreement.rolling`."""

    def take(found: dict[ProjectId, _ProjectCounts], record: Record) -> str:
        reading = decode.agreement(record)
        if reading is None:
            return "unreadable"
        contract = known.contract_of(reading.project)
        rules = _rules(contract, _OF_AGREEMENT)
        gauges = [gauge for rule in rules if contract and (gauge := _gauge(rule, reading, contract)) is not None]
        if not gauges:
            return "no-rule"
        one = found[reading.project]
        one.gauges += gauges
        one.newest = max(one.newest, gauges[0].at)
        return "read"

    return take


def of_signals(known: ContractLookup) -> CountRecord:
    """Return the reader of `annotators.signals`."""

    def take(found: dict[ProjectId, _ProjectCounts], record: Record) -> str:
        signal = decode.signal(record)
        if signal is None:
            return "unreadable"
        contract = known.contract_of(signal.project)
        rules = _rules(contract, _OF_SIGNALS)
        occurrences = [said for rule in rules if (said := _occurrence(rule, signal)) is not None]
        if not occurrences:
            return "no-rule"
        one = found[signal.project]
        one.occurrences += occurrences
        one.newest = max(one.newest, occurrences[0].at)
        return "read"

    return take


def _rules(contract: LabelContract | None, metrics: set[Metric]) -> list[AlertRule]:
    return [] if contract is None else [rule for rule in contract.alerts if rule.enabled and rule.metric in metrics]


def _gauge(rule: AlertRule, reading: AgreementReading, contract: LabelContract) -> Gauge | None:
    window = rule.where.window or max(contract.agreement.windows, key=minutes_of)
    labels = selectors.of_reading(rule, reading.window, reading.scope)
    if labels is None or reading.window != window:
        return None
    at = microseconds(reading.window_end) // 1_000
    return Gauge.model_construct(
        rule=rule.id,
        labels=dict(labels),
        at=at,
        value=reading.value,
        low=reading.low,
        high=reading.high,
        count=reading.items,
    )


def _occurrence(rule: AlertRule, signal: Signal) -> Occurrence | None:
    labels = selectors.of_signal(rule, signal)
    raised = signal.state is SignalState.RAISED
    if labels is None or (raised and rule.above is not None and signal.e_value < rule.above):
        return None
    evidence = {
        "signal": signal.id,
        "since": signal.since.isoformat(),
        "false_alarm_level": signal.false_alarm_level,
        **signal.evidence.model_dump(mode="json"),
    }
    at = microseconds(signal.at) // 1_000
    return Occurrence.model_construct(
        rule=rule.id, labels=dict(labels), at=at, holds=raised, value=signal.e_value, evidence=evidence
    )


SOURCES: Mapping[str, Callable[[ContractLookup], CountRecord]] = {
    VALIDATED.name: of_annotations(rejected=False),
    REJECTED.name: of_annotations(rejected=True),
    CONSENSUS.name: of_consensus,
    AGREEMENT.name: of_agreement,
    SIGNALS.name: of_signals,
}
"""The reader of each topic that rules can use."""

_ASKED_OF = {
    VALIDATED.name: _OF_ANNOTATIONS,
    REJECTED.name: _COUNTED_TOO_WHEN_REJECTED,
    CONSENSUS.name: _OF_CONSENSUS,
    AGREEMENT.name: _OF_AGREEMENT,
    SIGNALS.name: _OF_SIGNALS,
}


def topics_looked_at(contracts: Iterable[LabelContract]) -> set[str]:
    """Return the topics that any rule of these contracts uses; the others need not be read."""
    metrics = {rule.metric for contract in contracts for rule in contract.alerts if rule.enabled}
    return {topic for topic, asked in _ASKED_OF.items() if metrics & asked}
