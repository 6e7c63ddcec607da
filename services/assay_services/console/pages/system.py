"""System: health of the services and of Kafka, ledgers, and dead letters."""

from collections.abc import Collection, Sequence

from nicegui import ui

from assay_services.audit.background import Ledgers
from assay_services.audit.parked_work import ParkedWork
from assay_services.audit.topics import PartitionAudit
from assay_services.console.pages import dead_letters, icons
from assay_services.console.pages.html import Column, Html, empty_state, join, number, table, tag, text_or_dash, when
from assay_services.console.pages.layout import ConsolePage, View, html
from assay_services.console.system.health_checks import Broker, ServiceState, ServiceStatus
from assay_services.console.system.system_feed import SystemState

_MARKS = {
    ServiceStatus.READY: "✓ ready",
    ServiceStatus.STARTING: "◐ up, not ready",
    ServiceStatus.AWAY: "✗ unavailable",
}
_VERDICTS = ("validated", "rejected", "dead", "superseded")
_ABSORBED = ("absorbed", "superseded", "unreadable", "no-contract")


async def build(view: View) -> None:
    """Fill the page and keep it updated."""
    html(tag("h1", "System"))
    content = html(_state(view, await view.parts.watch.snapshot()))

    def follow(state: SystemState) -> None:
        content.set_content(_state(view, state))

    ui.context.client.on_delete(view.parts.watch.follow(follow))
    await dead_letters.build(view)


def _state(view: View, state: SystemState) -> Html:
    return join(
        (
            tag("section", _services(state.services), _updated(view, state), class_="card"),
            tag("section", _broker(state.broker), class_="card"),
            tag("section", _ledgers(view, state.ledgers), class_="card"),
        )
    )


def _updated(view: View, state: SystemState) -> Html:
    return tag("p", "Checked ", when(state.at, view.zone), ". Updated every ten seconds.", class_="soft")


def _services(services: Sequence[ServiceState]) -> Html:
    rows = [
        (
            one.name,
            _MARKS[one.standing],
            number(one.lag),
            text_or_dash(_by_reader(one) or one.note or None, most=300),
            text_or_dash(one.address, most=80),
        )
        for one in services
    ]
    lag = Column("lag (records)", is_number=True)
    return table("Services", ("service", "state", lag, Column("details", is_text=True), "address"), rows)


def _by_reader(service: ServiceState) -> str:
    if len(service.lags) < 2:  # noqa: PLR2004  # the sum shows a single lag
        return ""
    return ", ".join(f"{name}: {count:,}" for name, count in sorted(service.lags.items()) if count)


def _broker(broker: Broker) -> Html:
    if broker.problem is not None:
        hint = f"{broker.problem}. Incoming records wait, and this page continues when Kafka is back."
        return join((tag("h2", "Kafka"), empty_state("Kafka is unavailable", hint, "assay up")))
    facts = (("State", "✓ up"), ("Address", text_or_dash(broker.address)), ("Cluster", text_or_dash(broker.cluster)))
    parts = (part for name, value in facts for part in (tag("dt", name), tag("dd", value)))
    return join((tag("h2", "Kafka"), tag("dl", *parts, tag("dt", "Brokers"), tag("dd", number(broker.brokers)))))


def _ledgers(view: View, ledgers: Ledgers | None) -> Html:
    head = tag("h2", "Ledgers: records in and verdicts out")
    if ledgers is None:
        return join((head, tag("p", "The first count is running.", class_="soft", role="status")))
    counted = tag("p", "Counted ", when(ledgers.at, view.zone), f" in {ledgers.seconds:.1f} s.", class_="soft")
    if ledgers.problem is not None:
        return join((head, empty_state("The count failed", ledgers.problem, "assay audit"), counted))
    validator = _ledger("Validator: annotations and their verdicts", ledgers.validator, _VERDICTS)
    consensus = _ledger("Consensus: validated annotations", ledgers.consensus, _ABSORBED)
    return join((head, _parked(ledgers.parked), validator, consensus, counted))


def _parked(found: Sequence[ParkedWork]) -> Html:
    """Return what has stopped at an error, or nothing."""
    if not found:
        return join(())
    rows = [(one.service, one.partition, number(one.waiting), text_or_dash(one.problem, most=400)) for one in found]
    waiting, what = Column("waiting", is_number=True), Column("what happened", is_text=True)
    return table("✗ Work that has stopped at an error", ("service", "partition", waiting, what), rows)


def _ledger(caption: str, partitions: Sequence[PartitionAudit], names: Collection[str]) -> Html:
    rows: list[Sequence[object]] = [
        (
            one.partition,
            number(one.records_in),
            *(number(one.verdicts.get(name, 0)) for name in names),
            number(one.waiting),
            balance(one),
        )
        for one in partitions
    ]
    counts = [Column(name, is_number=True) for name in ("in", *names, "waiting")]
    return table(caption, ("partition", *counts, Column("balance", is_text=True)), rows)


def balance(one: PartitionAudit) -> str:
    """Return a text that says whether the ledger of a partition balances."""
    if one.problems:
        return "✗ " + "; ".join(one.problems)
    return "not countable: retention has deleted records" if one.lost_to_retention else "✓ balances"


PAGE = ConsolePage("/system", "System", build, icon=icons.SYSTEM)
