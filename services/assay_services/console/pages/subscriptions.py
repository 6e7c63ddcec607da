"""Subscriptions: who is told of alerts, how that goes, and what could not be delivered."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from assay_schemas.alert_rule import Severity
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
    Channel.SLACK: "https://hooks.slack.com/… or anything that takes the same",
    Channel.EMAIL: "mailtos://user:password@host?to=lead@example.org",
    Channel.APPRISE: "any address of Apprise: discord://…, msteams://…",
    Channel.KAFKA: "a topic's name",
}


async def build(view: View) -> None:
    """Fill the list, and the form for a new one."""
    html(tag("h1", "Subscriptions"))

    @ui.refreshable
    def shown() -> None:
        actions = Actions(view, _FAILURES, shown.refresh)
        found = list_subscriptions(view.parts.control)
        if not found:
            html(
                empty_state(
                    "Nobody is told of alerts yet", "Subscribe below, or:", "assay subscribe webhook URL --name NAME"
                )
            )
        for one in found:
            _subscription(view, one, actions)
        _dead(view, actions)
        if view.viewer.may(Role.LEAD):
            _form(view)

    shown()


def _subscription(view: View, row: Subscription, actions: Actions) -> None:
    wanted = [("project", row.project), ("rule", row.rule), ("annotator", row.annotator), ("label", row.label)]
    of = ", ".join(f"{name} {value}" for name, value in wanted if value) or "everything"
    state = f"paused: {row.problem}" if row.disabled_at is not None else row.problem or "works, as far as is known"
    facts = [
        ("Goes to", join((row.channel, " ", text_or_dash(row.target, most=120)))),
        (
            "Of",
            join((text_or_dash(of, most=200), f", {row.severity} and above, when {row.states.replace(' ', ' or ')}")),
        ),
        ("At most", f"{row.per_hour:,} an hour; then a digest"),
        ("State", text_or_dash(state, most=300)),
        ("Since", when(row.created_at, view.zone)),
    ]
    with ui.element("section").classes("card"):
        html(tag("h2", link("/subscription", text_or_dash(row.name, most=80), name=row.name)))
        html(tag("dl", *(part for name, value in facts for part in (tag("dt", name), tag("dd", value)))))
        if view.viewer.may(Role.LEAD):
            with ui.element("div").classes("choices"):
                _buttons(view, row, actions)


def _buttons(view: View, row: Subscription, actions: Actions) -> None:
    engine = view.parts.control

    def do(what: Callable[[], object], done: str) -> str:
        what()
        return done

    if row.disabled_at is None:

        def test() -> object:
            return send_test(engine, row.name, now=datetime.now(UTC))

        def stop() -> None:
            pause(engine, row.name, by=view.viewer.name, now=datetime.now(UTC))

        actions.button("Send a test", partial(do, test, "On its way; the delivery log shows what became of it."))
        actions.button("Pause", partial(do, stop, "Paused: nothing is told until it goes on."))
    else:
        actions.button("Go on", partial(do, partial(resume, engine, row.name), "It goes on."))
    actions.button("Remove", partial(do, partial(unsubscribe, engine, row.name), f"{row.name} is told no more."))


def _dead(view: View, actions: Actions) -> None:
    dead = list_deliveries(view.parts.control, fate=Fate.DEAD, limit=_MOST_LOGGED)
    if not dead:
        return
    with ui.element("section").classes("card"):
        html(_deliveries(view, "Could not be delivered", dead))
        if view.viewer.may(Role.LEAD):
            actions.button(f"Try all {len(dead)} again", partial(_revive, view, dead))


def _revive(view: View, dead: Sequence[Delivery]) -> str:
    for one in dead:
        revive(view.parts.control, one.id, now=datetime.now(UTC))
    return f"{len(dead)} messages are tried again."


def _deliveries(view: View, caption: str, found: Sequence[Delivery]) -> Html:
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
        for one in found
    ]
    columns = (
        "made",
        "subscription",
        "fate",
        Column("alerts", is_number=True),
        Column("attempts", is_number=True),
        Column("problem", is_text=True),
        "id",
    )
    return table(caption, columns, rows)


def _form(view: View) -> None:
    with ui.element("section").classes("card form"):
        html(tag("h2", "A new subscription"))
        channels = {one.value: f"{one.value}: {hint}" for one, hint in _HINTS.items()}
        name = ui.input("Name").props("outlined dense maxlength=100")
        channel = ui.select(channels, value=Channel.WEBHOOK.value, label="Channel").props("outlined dense")
        address = ui.input("Address").props("outlined dense")
        project = ui.input("Only of this project (all, if empty)").props("outlined dense")
        severities = [one.value for one in Severity]
        severity = ui.select(severities, value=Severity.WARNING.value, label="Severity, at least").props(
            "outlined dense"
        )

        async def make() -> None:
            wish = SubscriptionRequest(
                _text(name), Channel(_text(channel)), _text(address),
                project=_text(project) or None, severity=Severity(_text(severity)),
            )  # fmt: skip
            try:
                await check_still_may(view, Role.LEAD)
                _, secret = subscribe(view.parts.control, view.parts.vault, wish, now=datetime.now(UTC))
            except (SubscriptionError, NoMoreAllowedError) as error:
                refuse(error)
                return
            shown = tag("p", "Its messages are signed with this secret, shown only now: ", tag("code", secret))
            said_after.set_content(join((shown, link("/subscriptions", "See all"))))

        ui.button("Subscribe", on_click=make, color=None).props("flat no-caps").classes("choice strong")
        said_after = html(Html(""))


def _text(field: "ValueElement[Any]") -> str:
    return str(field.value or "").strip()


async def build_one(view: View) -> None:
    """Fill the delivery log of one subscription."""
    name = view.query.get("name", "")
    html(tag("h1", "Deliveries to ", text_or_dash(name, most=80)))
    try:
        get_subscription(view.parts.control, name)
    except SubscriptionError as error:
        html(empty_state("There is no such subscription", str(error)))
        return
    found = list_deliveries(view.parts.control, subscription=name, limit=_MOST_LOGGED)
    if not found:
        html(
            empty_state("Nothing was sent yet", "A test message shows whether it arrives.", f"assay alerts test {name}")
        )
        return
    html(tag("section", _deliveries(view, f"The last {len(found)} messages", found), class_="card"))


PAGE = ConsolePage("/subscriptions", "Subscriptions", build, icon="✉")
ONE = ConsolePage("/subscription", "Deliveries", build_one, within="/subscriptions")
