"""Subscriptions: who receives alerts, the state of each delivery, and failed deliveries."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from assay_schemas.alert_rule import Severity
from assay_schemas.annotation import ProjectId
from assay_services.console.pages import icons
from assay_services.console.pages.actions import Actions, NoMoreAllowedError, check_still_may, refuse
from assay_services.console.pages.html import (
    Column,
    Html,
    empty_state,
    join,
    link,
    number,
    table,
    tag,
    text_or_dash,
    when,
)
from assay_services.console.pages.layout import ConsolePage, View, html
from assay_services.stores.control.alert_actions import NoSuchAlertError, list_deliveries, revive
from assay_services.stores.control.subscription_store import (
    PAUSED,
    SubscriptionError,
    SubscriptionRequest,
    get_subscription,
    list_subscriptions,
    pause,
    resume,
    send_test,
    subscribe,
    unsubscribe,
)
from assay_services.stores.control.tables.accounts import Role
from assay_services.stores.control.tables.alert_delivery import Channel, Delivery, Fate, Subscription

_FAILURES = (SubscriptionError, NoSuchAlertError)
_MOST_LOGGED = 100
_HINTS = {
    Channel.WEBHOOK: "https://… (signed, Standard Webhooks)",
    Channel.SLACK: "https://hooks.slack.com/… or a compatible address",
    Channel.EMAIL: "mailtos://user:password@host?to=lead@example.org",
    Channel.APPRISE: "any Apprise address: discord://…, msteams://…",
    Channel.KAFKA: "name of a topic",
}


async def build(view: View) -> None:
    """Fill the list and the form for a new subscription."""
    html(tag("h1", "Subscriptions"))

    @ui.refreshable
    def content() -> None:
        actions = Actions(view, _FAILURES, content.refresh)
        subscriptions = list_subscriptions(view.parts.control)
        if not subscriptions:
            hint = "Create one below, or with this command:"
            html(empty_state("No subscriptions yet", hint, "assay subscribe webhook URL --name NAME"))
        for row in subscriptions:
            _subscription(view, row, actions)
        _failed(view, actions)
        if view.viewer.may(Role.LEAD):
            _form(view)

    content()


def _subscription(view: View, row: Subscription, actions: Actions) -> None:
    filters = [("project", row.project), ("rule", row.rule), ("annotator", row.annotator), ("label", row.label)]
    scope = ", ".join(f"{name} {value}" for name, value in filters if value) or "all alerts"
    state = row.problem or "no known problem"
    if row.disabled_at is not None and not state.startswith(PAUSED):
        state = f"disabled: {state}"
    facts = [
        ("Sends to", join((row.channel, " ", text_or_dash(row.target, most=120)))),
        (
            "Alerts",
            join(
                (text_or_dash(scope, most=200), f", {row.severity} and above, when {row.states.replace(' ', ' or ')}")
            ),
        ),
        ("Rate limit", f"{row.per_hour:,} messages per hour, then a digest"),
        ("State", text_or_dash(state, most=300)),
        ("Created", when(row.created_at, view.zone)),
    ]
    with ui.element("section").classes("card"):
        html(tag("h2", link("/subscription", text_or_dash(row.name, most=80), name=row.name)))
        html(tag("dl", *(part for name, value in facts for part in (tag("dt", name), tag("dd", value)))))
        if view.viewer.may(Role.LEAD):
            with ui.element("div").classes("choices"):
                _buttons(view, row, actions)


def _buttons(view: View, row: Subscription, actions: Actions) -> None:
    engine = view.parts.control

    def do(work: Callable[[], object], notice: str) -> str:
        work()
        return notice

    if row.disabled_at is None:

        def test() -> object:
            return send_test(engine, row.name, now=datetime.now(UTC))

        def stop() -> None:
            pause(engine, row.name, by=view.viewer.name, now=datetime.now(UTC))

        actions.button("Send a test", partial(do, test, "Test sent. The delivery log shows the result."))
        actions.button("Pause", partial(do, stop, "Paused. No messages are sent until you resume it."))
    else:
        actions.button("Resume", partial(do, partial(resume, engine, row.name), "Resumed."))
    actions.button("Remove", partial(do, partial(unsubscribe, engine, row.name), f"Removed {row.name}."))


def _failed(view: View, actions: Actions) -> None:
    failed = list_deliveries(view.parts.control, fate=Fate.DEAD, limit=_MOST_LOGGED)
    if not failed:
        return
    with ui.element("section").classes("card"):
        html(_deliveries(view, "Failed deliveries", failed))
        if view.viewer.may(Role.LEAD):
            actions.button(f"Retry all {len(failed)}", partial(_revive, view, failed))


def _revive(view: View, failed: Sequence[Delivery]) -> str:
    for delivery in failed:
        revive(view.parts.control, delivery.id, now=datetime.now(UTC))
    return f"Retrying {len(failed)} message{'' if len(failed) == 1 else 's'}."


def _deliveries(view: View, caption: str, deliveries: Sequence[Delivery]) -> Html:
    rows = [
        (
            when(one.created_at, view.zone),
            link("/subscription", text_or_dash(one.subscription, most=60), name=one.subscription),
            one.fate,
            number(one.alerts),
            number(one.attempts),
            text_or_dash(one.problem, most=200),
            text_or_dash(one.id),
        )
        for one in deliveries
    ]
    columns = (
        "created",
        "subscription",
        "state",
        Column("alerts", is_number=True),
        Column("attempts", is_number=True),
        Column("problem", is_text=True),
        "id",
    )
    return table(caption, columns, rows)


def _form(view: View) -> None:
    with ui.element("section").classes("card form"):
        html(tag("h2", "New subscription"))
        channels = {one.value: f"{one.value}: {hint}" for one, hint in _HINTS.items()}
        name = ui.input("Name").props("outlined dense maxlength=100")
        channel = ui.select(channels, value=Channel.WEBHOOK.value, label="Channel").props("outlined dense")
        address = ui.input("Address").props("outlined dense")
        project = ui.input("Project (empty: all projects)").props("outlined dense")
        severities = [one.value for one in Severity]
        severity = ui.select(severities, value=Severity.WARNING.value, label="Lowest severity").props("outlined dense")

        async def make() -> None:
            request = SubscriptionRequest(
                _text(name), Channel(_text(channel)), _text(address),
                project=ProjectId(_text(project)) or None, severity=Severity(_text(severity)),
            )  # fmt: skip
            try:
                await check_still_may(view, Role.LEAD)
                _, secret = subscribe(
                    view.parts.control,
                    view.parts.vault,
                    request,
                    now=datetime.now(UTC),
                    prefix=view.parts.settings.prefix,
                )
            except (SubscriptionError, NoMoreAllowedError) as error:
                refuse(error)
                return
            notice = tag("p", "Messages are signed with this secret. It is shown only once: ", tag("code", secret))
            result.set_content(join((notice, link("/subscriptions", "Show all subscriptions"))))

        ui.button("Subscribe", on_click=make, color=None).props("flat no-caps").classes("choice strong")
        result = html(Html(""))


def _text(field: "ValueElement[Any]") -> str:
    return str(field.value or "").strip()


async def build_one(view: View) -> None:
    """Fill the delivery log of one subscription."""
    name = view.query.get("name", "")
    html(tag("h1", "Deliveries to ", text_or_dash(name, most=80)))
    try:
        get_subscription(view.parts.control, name)
    except SubscriptionError as error:
        html(empty_state("No such subscription", str(error)))
        return
    deliveries = list_deliveries(view.parts.control, subscription=name, limit=_MOST_LOGGED)
    if not deliveries:
        hint = "Send a test message to check the address."
        html(empty_state("No deliveries yet", hint, f"assay alerts test {name}"))
        return
    caption = f"Last {len(deliveries)} messages" if len(deliveries) > 1 else "Last message"
    html(tag("section", _deliveries(view, caption, deliveries), class_="card"))


PAGE = ConsolePage("/subscriptions", "Subscriptions", build, icon=icons.SUBSCRIPTIONS)
ONE = ConsolePage("/subscription", "Deliveries", build_one, within="/subscriptions")
