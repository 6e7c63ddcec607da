"""`assay alerts`: show alerts, respond to them, and backtest rules on history."""

import csv
import getpass
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.table import Table
from sqlalchemy import Engine

from assay_models.alerting.durations import minutes_of
from assay_schemas.alert import Alert
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.engine.settings import RuntimeSettings
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.replay.backtest import backtest as run_backtest
from assay_services.stores.control import alert_actions
from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.stores.control.subscription_store import SubscriptionError, get_subscription, send_test
from assay_services.stores.control.tables.alert_delivery import Fate
from assay_services.terminal import escape, fail, out, plain_errors, run_async

app = typer.Typer(no_args_is_help=True, help="Alerts: list, respond, silence, backtest rules.")
_FAILURES = (alert_actions.NoSuchAlertError, SubscriptionError)
_COLOURS = {"pending": "dim", "firing": "bold red", "acknowledged": "yellow", "resolved": "green"}

_AlertId = Annotated[str, typer.Argument(help="The alert's id, or the beginning of it.")]
_By = Annotated[str, typer.Option(help="Who does this.", default_factory=getpass.getuser, show_default="you")]
_ForDuration = Annotated[str, typer.Option("--for", help="For how long: 30m, 4h, 7d.")]


class Form(StrEnum):
    """The format of a table."""

    TABLE = "table"
    CSV = "csv"


@app.command("list")
@plain_errors
def show_list(
    project: Annotated[str | None, typer.Option(help="Only of this project.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also resolved alerts.")] = False,
) -> None:
    """Show the active alerts, the newest first.

    Example: assay alerts list
    """
    table = Table("alert", "state", "severity", "since", "project", "what", box=None)
    within = None if project is None else ProjectId(project)
    for one in alert_actions.list_alerts(_engine(), project=within, rule=rule, resolved=everything):
        colour = _COLOURS[one.state.value]
        table.add_row(
            one.id[:10], f"[{colour}]{one.state.value}[/]" + (" hushed" if _is_hushed(one) else ""),
            one.severity.value, f"{one.since:%Y-%m-%d %H:%M}Z", escape(one.project), escape(one.summary),
        )  # fmt: skip
    out.print(table if table.row_count else "nothing is the matter")


@app.command("show")
@plain_errors
def show(alert: _AlertId) -> None:
    """Show all details of an alert, including its evidence.

    Example: assay alerts show 3f9a41c2
    """
    try:
        found = alert_actions.get_alert(_engine(), alert)
    except _FAILURES as error:
        fail(str(error))
    out.print_json(orjson.dumps(found.model_dump(mode="json")).decode())


@app.command("ack")
@plain_errors
def acknowledge(
    alert: _AlertId, by: _By, why: Annotated[str, typer.Option(help="What you are doing about it.")] = ""
) -> None:
    """Acknowledge an alert: others see that you are working on it.

    Example: assay alerts ack 3f9a41c2 --why "talking to the vendor"
    """
    try:
        found = alert_actions.acknowledge(_engine(), alert, by=by, why=why, now=datetime.now(UTC))
    except _FAILURES as error:
        fail(str(error))
    out.print(f"[green]✓[/] {found.id} will be acknowledged by {escape(by)}: {escape(found.summary)}")


@app.command("silence")
@plain_errors
def silence(
    matchers: Annotated[
        list[str] | None,
        typer.Argument(help="LABEL=VALUE, also rule=… and severity=…; LABEL=~PATTERN has * and ?."),
    ],
    by: _By,
    lasting: _ForDuration,
    why: Annotated[str, typer.Option(help="Why no notification is needed.")],
    project: Annotated[str, typer.Option(help="Only in this project.")] = "",
) -> None:
    """Suppress notifications for a while about alerts that match all of these.

    Example: assay alerts silence annotator=w-17 --for 4h --why "in training"
    """
    wanted = dict(_pair(one) for one in matchers or [])
    now = datetime.now(UTC)
    try:
        row = alert_actions.silence(
            _engine(), wanted, until=now + _duration(lasting), by=by, why=why, now=now, project=ProjectId(project)
        )
    except _FAILURES as error:
        fail(str(error))
    out.print(
        f"[green]✓[/] silence {row.id} until {row.until:%Y-%m-%d %H:%M}Z; `assay alerts unsilence {row.id}` ends it"
    )


@app.command("silences")
@plain_errors
def silences() -> None:
    """Show the silences in force.

    Example: assay alerts silences
    """
    table = Table("silence", "of", "until", "by", "why", box=None)
    for one in alert_actions.list_silences(_engine(), now=datetime.now(UTC)):
        of = " ".join(
            [*([f"project={one.project}"] if one.project else []), *(f"{k}={v}" for k, v in one.matchers.items())]
        )
        table.add_row(one.id, escape(of), f"{one.until:%Y-%m-%d %H:%M}Z", escape(one.by), escape(one.why))
    out.print(table if table.row_count else "nothing is silenced")


@app.command("unsilence")
@plain_errors
def unsilence(silence_id: Annotated[str, typer.Argument(help="The silence's id.")], by: _By) -> None:
    """End a silence now.

    Example: assay alerts unsilence 9c41d2aa
    """
    try:
        row = alert_actions.unsilence(_engine(), silence_id, by=by, now=datetime.now(UTC))
    except _FAILURES as error:
        fail(str(error))
    out.print(f"[green]✓[/] silence {row.id} has ended")


@app.command("feedback")
@plain_errors
def feedback(
    alert: _AlertId,
    useful: Annotated[bool, typer.Option("--useful/--noise", help="Whether the alert was useful.")],
    by: _By,
    why: Annotated[str, typer.Option(help="In a few words.")] = "",
) -> None:
    """Rate an alert as useful or noise; `assay alerts precision` adds it up.

    Example: assay alerts feedback 3f9a41c2 --noise
    """
    try:
        row = alert_actions.give_feedback(_engine(), alert, useful=useful, by=by, why=why, now=datetime.now(UTC))
    except _FAILURES as error:
        fail(str(error))
    out.print(f"[green]✓[/] {row.alert} was {'useful' if row.useful else 'noise'}")


@app.command("precision")
@plain_errors
def precision(
    form: Annotated[Form, typer.Option("--format", help="Table for people, or a format for programs.")] = Form.TABLE,
) -> None:
    """Show each rule's share of useful alerts among those that were rated, with a 95 % interval.

    Example: assay alerts precision --format csv
    """
    found = alert_actions.precisions(_engine())
    if form is Form.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(["project", "rule", "judged", "useful", "share", "low", "high"])
        writer.writerows([*one[:4], f"{one.share:.4f}", f"{one.low:.4f}", f"{one.high:.4f}"] for one in found)
        return
    table = Table("project", "rule", "judged", "useful", "precision (95 %)", box=None)
    for one in found:
        shown = f"{one.share:.2f} ({one.low:.2f}-{one.high:.2f})"
        table.add_row(escape(one.project), escape(one.rule), str(one.judged), str(one.useful), shown)
    out.print(table if found else "nobody has judged an alert yet: assay alerts feedback ALERT --useful")


@app.command("test")
@plain_errors
def test(subscription: Annotated[str, typer.Argument(help="The subscription's name.")]) -> None:
    """Send a test message to a subscriber; the running service delivers it like any other.

    Example: assay alerts test night-shift
    """
    try:
        row = send_test(_engine(), subscription, now=datetime.now(UTC))
        found = get_subscription(_engine(), subscription)
    except _FAILURES as error:
        fail(str(error))
    out.print(f"[green]✓[/] {row.id} is queued for {escape(found.target)}; `assay alerts deliveries` shows its fate")


@app.command("deliveries")
@plain_errors
def deliveries(
    fate: Annotated[Fate | None, typer.Option(help="Only messages with this fate; dead: dead letters.")] = None,
    subscription: Annotated[str | None, typer.Option(help="Only of this subscription.")] = None,
    revive: Annotated[str | None, typer.Option(help="Try this dead letter again.")] = None,
) -> None:
    """Show sent and pending messages, the newest first.

    Example: assay alerts deliveries --fate dead
    """
    engine = _engine()
    if revive is not None:
        try:
            alert_actions.revive(engine, revive, now=datetime.now(UTC))
        except _FAILURES as error:
            fail(str(error))
    table = Table("message", "to", "alerts", "fate", "tries", "since", "problem", box=None)
    for one in alert_actions.list_deliveries(engine, fate=fate, subscription=subscription):
        table.add_row(
            one.id, escape(one.subscription), str(one.alerts), one.fate, str(one.attempts),
            f"{one.created_at:%Y-%m-%d %H:%M:%S}Z", escape(one.problem or ""),
        )  # fmt: skip
    out.print(table if table.row_count else "no messages")


@app.command("backtest")
@plain_errors
def backtest(
    contract: Annotated[list[Path], typer.Option("--contract", "-c", help="A contract with the rules to try.")],
    since: Annotated[str, typer.Option(help="How far back: 24h, 7d.")] = "7d",
    form: Annotated[Form, typer.Option("--format", help="For people, or every transition for programs.")] = Form.TABLE,
) -> None:
    """Run rules over the records on the topics: show which alerts would have fired, and how often.

    Example: assay alerts backtest --contract new.yaml --since 7d
    """
    contracts: dict[ProjectId, LabelContract] = {one.project: one for one in map(load_contract, contract)}
    began = datetime.now(UTC) - _duration(since)
    found = run_async(run_backtest(RuntimeSettings(), contracts, since=began))
    if form is Form.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(["at", "project", "rule", "state", "alert", "summary"])
        for one in found:
            writer.writerow([one.at.isoformat(), one.project, one.rule, one.state.value, one.id, one.summary])
        return
    _show_counts(found, contracts)


def _show_counts(found: Sequence[Alert], contracts: Mapping[ProjectId, LabelContract]) -> None:
    firing = [one for one in found if one.state.value == "firing"]
    fired: Counter[tuple[ProjectId, str]] = Counter((one.project, one.rule) for one in firing)
    distinct: Counter[tuple[ProjectId, str]] = Counter(
        (project, rule) for project, rule, _ in {(one.project, one.rule, one.id) for one in firing}
    )
    table = Table("project", "rule", "fired", "alerts", box=None)
    for project, agreed in contracts.items():
        for rule in agreed.alerts:
            counts = fired[project, rule.id], distinct[project, rule.id]
            table.add_row(escape(project), escape(rule.id), *(f"{count:,}" for count in counts))
    out.print(table if table.row_count else "the contract has no alert rules")


def _engine() -> Engine:
    return open_control(ControlSettings())


def _is_hushed(alert: Alert) -> bool:
    return bool(alert.silenced_by or alert.inhibited_by)


def _duration(written: str) -> timedelta:
    digits, unit = written[:-1], written[-1:]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 4 and unit in set("mhd")):  # noqa: PLR2004
        fail(f"'{written}' is not a duration; write 30m, 4h or 7d")
    return timedelta(minutes=minutes_of(written))


def _pair(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not (name and equals and value):
        fail(f"'{written}' is not a matcher; write LABEL=VALUE")
    return name, value
