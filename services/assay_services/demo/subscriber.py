"""The demo's subscription: created before the services start, with a summary of its messages at the end."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from assay_schemas.alert import Alert
from assay_services.demo.receiver import Receiver
from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.control.alert_actions import list_alerts
from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.stores.control.subscription_store import SubscriptionRequest, subscribe
from assay_services.stores.control.tables.alert_delivery import Channel
from assay_services.stores.control.vault import Vault
from assay_services.terminal import escape, out

_WAIT_SECONDS = 20
_SECRET_KEY = "of the demo, which holds no secrets"  # noqa: S105  # it says so


def control_environment(settings: RuntimeSettings) -> dict[str, str]:
    """Return the environment variables that make the services use the demo's own control database."""
    return {"ASSAY_CONTROL": _url(settings), "ASSAY_SECRET_KEY": _SECRET_KEY, "ASSAY_ALERTS_ALLOW": "127.0.0.0/8"}


def subscribe_receiver(settings: RuntimeSettings, receiver: Receiver) -> None:
    """Subscribe the receiver to every alert."""
    control = _control(settings)
    wish = SubscriptionRequest("demo", Channel.WEBHOOK, receiver.url, per_hour=10_000)
    _, receiver.secret = subscribe(open_control(control), Vault(control), wish, now=datetime.now(UTC))


async def alerts_delivered(settings: RuntimeSettings, receiver: Receiver) -> None:
    """Wait until the receiver has a message about every firing alert."""
    engine = open_control(_control(settings))
    deadline = time.monotonic() + _WAIT_SECONDS
    with out.status("waiting for the last alerts …"):
        while time.monotonic() < deadline:
            firing = [one for one in await asyncio.to_thread(list_alerts, engine) if one.state.value == "firing"]
            if all(one.id in receiver.alerts for one in firing):
                break
            await asyncio.sleep(0.5)
    engine.dispose()


def print_alerts(receiver: Receiver) -> None:
    """Print what the webhook subscriber received, and whether any careful annotator was alerted on."""
    alerts = [Alert.model_validate(one) for one in receiver.alerts.values()]
    about = sorted({one.labels["annotator"] for one in alerts if "annotator" in one.labels})
    out.print(
        f"webhook subscriber at {receiver.url}: {receiver.messages} signed messages with {len(alerts)} alerts, "
        f"{receiver.wrongly_signed} wrongly signed",
        highlight=False,
    )
    for one in sorted(alerts, key=lambda one: one.at):
        out.print(f"  {one.at:%H:%M:%S}Z {one.severity.value} {one.rule} {one.state.value}: {escape(one.summary)}")
    careful = [name for name in about if name.startswith("careful")]
    mark = "[green]✓[/]" if not careful else "[bold red]✗[/]"
    out.print(f"{mark} alerts on: {', '.join(about) or 'nobody'}; careful ones: {', '.join(careful) or 'none'}")


def _control(settings: RuntimeSettings) -> ControlSettings:
    own: dict[str, Any] = {"control": _url(settings), "secret_key": _SECRET_KEY}
    return ControlSettings(**settings.model_dump() | own)


def _url(settings: RuntimeSettings) -> str:
    return f"sqlite:///{settings.folder / 'control.db'}"
