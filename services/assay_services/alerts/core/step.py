"""Evaluate alert rules: observations in, transitions of alerts out."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson
from pydantic import ValidationError

from assay_models.alerting.state_machine import Transition, acknowledge, advance_state, is_forgettable
from assay_models.alerting.suppression import Named, Silence, inhibited_by, named, silenced_by
from assay_schemas.alert import AlertState, Gauge, Observation, Occurrence, Order, OrderKind, Tally
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.alerts.core.alert_events import NO_DATA, Acknowledgement, Suppression, alert_event, all_labels
from assay_services.alerts.core.alert_store import AlertStore
from assay_services.alerts.core.series import RulePlan, Series, plan_of
from assay_services.alerts.core.watermark import MINUTE_MS, Watermark, minutes_due
from assay_services.engine.core.cloudevents import iso
from assay_services.engine.core.core_api import Core, Output, Record, State, Step
from assay_services.engine.core.state import PartitionState

_BLIND_MS = 90_000
_IDLE_MS = 5_000


@dataclass(slots=True)
class _BatchWork:
    """The working data of a batch."""

    now: int
    outputs: list[Output] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)


class AlertsCore(Core):
    """The alerts of all projects on one partition. An instance lives as long as the state that it was built from.

    Rules are evaluated in event time. Only silences end by the time of Kafka's records. The same observations in the
    same batches lead to the same transitions.
    """

    def __init__(
        self,
        contracts: Mapping[ProjectId, LabelContract],
        state: PartitionState,
        *,
        parked: Collection[ProjectId] = (),
        watches: bool = True,
    ) -> None:
        """Resume from `state`, with the contracts in force; `parked` are projects whose state stays as it is.

        `watches`: the service runs continuously, so a gap in its own records means that it was down, and `absent` rules
        do not fire for that time. A replay sets it to False.
        """
        self._contracts = contracts
        self._parked = parked
        self._watches = watches
        self._book = AlertStore(state)
        self._plans: dict[ProjectId, tuple[LabelContract, dict[str, RulePlan]]] = {}
        self._looked: int | None = None
        self._rested = 0
        self._blind_until = 0

    def step(self, state: State, batch: Sequence[Record]) -> Step:  # noqa: ARG002  # the constructor received it
        """Apply one batch of observations and evaluate the rules."""
        work = _BatchWork(0)
        self._record_liveness(max(record.timestamp for record in batch))
        for record in batch:
            work.now = max(work.now, record.timestamp)
            work.verdicts[self._add_observation(work, record)] += 1
        self._advance(work)
        return self._end(work)

    def idle(self, now: int) -> Step | None:
        """Advance time to `now` (ms since 1970); return None if nothing changes."""
        if now - self._rested < _IDLE_MS:
            return None
        self._rested = now
        self._record_liveness(now)
        work = _BatchWork(now)
        self._advance(work)
        step = self._end(work)
        return step if step.outputs or step.changes else None

    def _record_liveness(self, now: int) -> None:
        """Record that the service was up; gaps in its own uptime must not fire `absent` rules."""
        if self._watches and (self._looked is None or now - self._looked > _BLIND_MS):
            self._blind_until = now // MINUTE_MS
        self._looked = max(now, self._looked or 0)

    def _add_observation(self, work: _BatchWork, record: Record) -> str:
        try:
            heard = Observation.model_validate_json(record.value or b"")
        except ValidationError:
            return "unreadable"
        for order in heard.orders:
            self._apply_command(work, order, heard.project)
        plans = self._plans_of(heard.project)
        if plans is None:
            return "ordered" if heard.orders else "no-contract"
        if heard.newest:
            self._book.clock(heard.project).advance(heard.source, heard.newest, work.now)
        for tally in heard.tallies:
            self._count(heard.project, plans, tally)
        for gauge in heard.gauges:
            self._gauge(heard.project, plans, gauge)
        for occurrence in heard.occurrences:
            self._occur(work, heard.project, plans, occurrence)
        return "ordered" if heard.orders else "observed"

    def _count(self, project: ProjectId, plans: Mapping[str, RulePlan], tally: Tally) -> None:
        plan = plans.get(tally.rule)
        if plan is not None:
            series = self._book.series(project, plan, tally.labels)
            series.panes.add(tally.minute // plan.pane * plan.pane, tally.hits, tally.total)

    def _gauge(self, project: ProjectId, plans: Mapping[str, RulePlan], gauge: Gauge) -> None:
        plan = plans.get(gauge.rule)
        if plan is not None:
            taken = ((gauge.at - 1) // MINUTE_MS, gauge.value, gauge.low, gauge.high, gauge.count)
            self._book.series(project, plan, gauge.labels).sample(taken, bucket=plan.pane)

    def _occur(self, work: _BatchWork, project: ProjectId, plans: Mapping[str, RulePlan], one: Occurrence) -> None:
        plan = plans.get(one.rule)
        if plan is None:
            return
        series = self._book.series(project, plan, one.labels)
        series.holding, series.value = one.holds, one.value
        series.evidence = dict(one.evidence)
        self._advance_state(work, series, plan, holds=one.holds, at=one.at)

    def _apply_command(self, work: _BatchWork, order: Order, project: ProjectId) -> None:
        match order.kind:
            case OrderKind.SILENCE:
                self._book.silence(Silence(order.subject, project, order.matchers, order.until))
            case OrderKind.UNSILENCE:
                self._book.unsilence(order.subject)
            case _:
                series = self._book.find(order.subject)
                if series is not None:
                    series.life, changes = acknowledge(series.life, at=max(work.now, series.life.since))
                    self._publish(work, series, changes, Acknowledgement(order.by, order.why))

    def _advance(self, work: _BatchWork) -> None:
        """Evaluate every project's rules at every minute that is complete, then update suppressions."""
        for clock in self._book.clocks():
            if clock.project in self._parked:
                continue
            plans = self._plans_of(clock.project)
            self._retire(work, clock.project, plans or {})
            target = clock.target(work.now)
            if plans and target is not None:
                self._evaluate(work, clock, plans, target)
        self._book.end_silences(work.now)
        for series in self._book.firing():
            if series.project not in self._parked:
                self._suppress(work, series)

    def _evaluate(self, work: _BatchWork, clock: Watermark, plans: Mapping[str, RulePlan], target: int) -> None:
        every = self._book.of_project(clock.project)
        horizon = max(plan.horizon for plan in plans.values())
        if clock.evaluated is None:
            first = min((minute for one in every for minute in one.minutes()), default=target)
            clock.evaluated = max(first - 1, target - horizon)
        if target <= clock.evaluated:
            return
        data = (minute for one in every for minute in one.minutes())
        for minute in minutes_due(clock.evaluated + 1, target, data=data, horizon=horizon):
            for series in every:
                plan = plans[series.rule]
                if (minute + 1) % plan.pane == 0:
                    self._evaluate_series(work, series, plan, minute)
        self._book.clock(clock.project).evaluated = target
        for series in every:
            self._tidy(series, plans[series.rule], target)

    def _evaluate_series(self, work: _BatchWork, series: Series, plan: RulePlan, minute: int) -> None:
        read = series.read(plan, minute, blind_until=self._blind_until)
        series.value = read.value
        if read.holds or series.life.state is None:
            series.evidence = dict(read.evidence)
        at = (minute + 1) * MINUTE_MS
        self._announce_no_data(work, series, at, has_data=read.holds is not None)
        self._advance_state(work, series, plan, holds=read.holds, at=at)

    def _announce_no_data(self, work: _BatchWork, series: Series, at: int, *, has_data: bool) -> None:
        """Publish once that an active alert has no data to judge by any more: it goes on, and is not resolved."""
        if has_data or not series.life.is_notified:
            series.evidence.pop(NO_DATA, None)
        elif NO_DATA not in series.evidence:
            series.evidence[NO_DATA] = iso(at)
            state = series.life.state or AlertState.FIRING
            self._publish(work, series, [Transition(state, state, at, series.life.since)])

    def _advance_state(self, work: _BatchWork, series: Series, plan: RulePlan, *, holds: bool | None, at: int) -> None:
        series.life, changes = advance_state(
            series.life, holds=holds, at=at, lasting=plan.lasting, keep=plan.keep_minutes
        )
        self._publish(work, series, changes)

    def _tidy(self, series: Series, plan: RulePlan, minute: int) -> None:
        series.forget(plan, minute)
        waits = plan.rule.absent is not None
        if series.is_empty() and not waits and is_forgettable(series.life, (minute + 1) * MINUTE_MS):
            self._book.drop(series)
        else:
            self._book.touch(series)

    def _retire(self, work: _BatchWork, project: ProjectId, plans: Mapping[str, RulePlan]) -> None:
        """Resolve the alerts of rules that are no longer in the contract."""
        for series in self._book.of_project(project):
            if series.rule in plans:
                continue
            if series.life.state is not None:
                gone = Transition(series.life.state, AlertState.RESOLVED, work.now, series.life.since)
                series.life = replace(series.life, state=None)
                work.outputs.append(alert_event(series, None, gone, hushed=Suppression()))
            self._book.drop(series)

    def _publish(
        self, work: _BatchWork, series: Series, changes: Iterable[Transition], told: Acknowledgement | None = None
    ) -> None:
        plan = (self._plans_of(series.project) or {}).get(series.rule)
        for change in changes:
            hushed = self._hushed(work, series, plan)
            series.hushed = bool(hushed)
            work.outputs.append(alert_event(series, plan, change, hushed=hushed, told=told))
        self._book.touch(series)

    def _suppress(self, work: _BatchWork, series: Series) -> None:
        """Publish a firing alert again when it is no longer suppressed."""
        plan = (self._plans_of(series.project) or {}).get(series.rule)
        hushed = self._hushed(work, series, plan)
        if bool(hushed) == series.hushed:
            return
        series.hushed = bool(hushed)
        self._book.touch(series)
        if not hushed and series.life.state is AlertState.FIRING:
            again = Transition(
                AlertState.FIRING, AlertState.FIRING, max(work.now, series.life.since), series.life.since
            )
            work.outputs.append(alert_event(series, plan, again, hushed=hushed))

    def _hushed(self, work: _BatchWork, series: Series, plan: RulePlan | None) -> Suppression:
        rule = None if plan is None else plan.rule
        alert = named(series.project, series.rule, series.severity, all_labels(series, rule))
        firing = self._named_firing() if rule is not None and rule.inhibited_by else ()
        rules = [] if rule is None else inhibited_by(alert, rule.inhibited_by, firing)
        return Suppression(silenced_by(self._book.silences(), alert, now=work.now), rules)

    def _named_firing(self) -> Iterator[Named]:
        for one in self._book.firing():
            yield named(one.project, one.rule, one.severity, one.labels)

    def _plans_of(self, project: ProjectId) -> dict[str, RulePlan] | None:
        """Return the rules of a project; None without a contract. A new contract applies at once."""
        contract = self._contracts.get(project)
        if contract is None:
            return None
        known = self._plans.get(project)
        if known is None or known[0] is not contract:
            plans = {rule.id: plan_of(rule, contract) for rule in contract.alerts if rule.enabled}
            self._plans[project] = known = (contract, plans)
        return known[1]

    def _end(self, work: _BatchWork) -> Step:
        notes: dict[tuple[str, ...], int] = {
            ("alert_series_dropped", *of): count for of, count in self._book.take_dropped().items()
        }
        return Step(work.outputs, self._book.changes(), work.verdicts, notes)


def order_record(order: Order, project: ProjectId) -> tuple[bytes, bytes]:
    """Return an order as key and value of a record on `alerts.observed`."""
    said_so = Observation(project=project, source="people", orders=[order])
    return project.encode(), orjson.dumps(said_so.model_dump(mode="json"))
