"""`assay subscribe`, `assay subscriptions`, `assay unsubscribe`: manage who receives alerts."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from assay_schemas.alert import AlertState
from assay_schemas.alert_rule import Severity
from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.stores.control.subscription_store import (
    SubscriptionError,
    SubscriptionRequest,
    list_subscriptions,
    subscribe,
    unsubscribe,
)
from assay_services.stores.control.tables.alert_delivery import Channel
from assay_services.stores.control.vault import Vault
from assay_services.terminal import escape, fail, out, plain_errors, print_rows

_FILTERS = ("project", "rule", "annotator", "label")


@plain_errors
def subscribe_one(  # the options of a command
    channel: Annotated[Channel, typer.Argument(help="The channel of the notifications.")],
    address: Annotated[str, typer.Argument(help="A URL; for email and apprise an Apprise URL; for kafka a topic.")],
    name: Annotated[str | None, typer.Option(help="The subscription's name. Default: the channel's.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="project=…, rule=…, annotator=… or label=…; repeat for more.")
    ] = None,
    severity: Annotated[Severity, typer.Option(help="At least this severe.")] = Severity.INFO,
    state: Annotated[
        list[AlertState] | None, typer.Option(help="Only these states. Default: firing and resolved.")
    ] = None,
    per_hour: Annotated[int, typer.Option(min=1, help="The most messages an hour; more are sent as one digest.")] = 30,
) -> None:
    """Send alerts to a webhook, Slack, e-mail or a Kafka topic.

    Webhooks are signed. Apprise reaches about a hundred more services.

    Example: assay subscribe webhook https://example.com/hooks/assay --only project=ads-safety --severity warning
    """
    filters = dict(_filter(one) for one in only or [])
    states = tuple(state or (AlertState.FIRING, AlertState.RESOLVED))
    project, annotator = filters.get("project"), filters.get("annotator")
    wish = SubscriptionRequest(
        name or channel.value, channel, address, severity=severity, states=states, per_hour=per_hour,
        project=None if project is None else ProjectId(project), rule=filters.get("rule"),
        annotator=None if annotator is None else AnnotatorId(annotator), label=filters.get("label"),
    )  # fmt: skip
    settings = ControlSettings()
    try:
        row, secret = subscribe(
            open_control(settings), Vault(settings), wish, now=datetime.now(UTC), prefix=settings.prefix
        )
    except SubscriptionError as error:
        fail(str(error))
    out.print(f"[green]✓[/] {escape(row.name)}: {row.channel} {escape(row.target)} receives alerts from now on")
    out.print(f"`assay alerts test {escape(row.name)}` sends a test message.")
    if channel is Channel.WEBHOOK:
        out.print("Its messages are signed (Standard Webhooks) with this secret, shown only once:")
        typer.echo(secret)


@plain_errors
def subscriptions(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False) -> None:
    """Show the subscriptions to alerts, and their problems.

    Example: assay subscriptions
    """
    rows = []
    for one in list_subscriptions(open_control(ControlSettings())):
        filters = [f"{name}={value}" for name in _FILTERS if (value := getattr(one, name)) is not None]
        rows.append(
            {
                "subscription": one.name,
                "channel": one.channel,
                "to": one.target,
                "filter": " ".join([*filters, f"{one.severity}+", one.states]),
                "state": "in force" if one.disabled_at is None else "disabled",
                "problem": one.problem,
            }
        )
    columns = ("subscription", "channel", "to", "filter", "state", "problem")
    print_rows(rows, columns, as_json=as_json, empty="no subscription yet: assay subscribe webhook URL")


@plain_errors
def remove(name: Annotated[str, typer.Argument(help="The subscription's name.")]) -> None:
    """End a subscription.

    Example: assay unsubscribe webhook
    """
    try:
        unsubscribe(open_control(ControlSettings()), name)
    except SubscriptionError as error:
        fail(str(error))
    out.print(f"[green]✓[/] {escape(name)} receives no more alerts")


def _filter(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if name not in _FILTERS or not equals or not value:
        fail(f"'{written}' is not a filter; write one of {', '.join(f'{one}=…' for one in _FILTERS)}")
    return name, value
