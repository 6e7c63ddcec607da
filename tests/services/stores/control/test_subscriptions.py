"""Pausing a subscription and going on with it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.stores.control.subscription_store import (
    PAUSED,
    SubscriptionError,
    SubscriptionRequest,
    get_subscription,
    note_problem,
    pause,
    resume,
    send_test,
    subscribe,
)
from assay_services.stores.control.tables.alert_delivery import Channel
from assay_services.stores.control.vault import Vault

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Engine]:
    settings = ControlSettings(folder=tmp_path, _env_file=None)
    engine = open_control(settings)
    for name in ("team", "other"):
        subscribe(
            engine, Vault(settings), SubscriptionRequest(name, Channel.WEBHOOK, "https://example.org/hook"), now=NOW
        )
    yield engine
    engine.dispose()


def test_a_paused_subscription_says_by_whom_and_takes_no_test(control: Engine) -> None:
    pause(control, "team", by="lea", now=NOW)

    found = get_subscription(control, "team")
    assert (found.problem, found.disabled_at) == (f"{PAUSED} lea", NOW)
    with pytest.raises(SubscriptionError, match="paused by lea"):
        send_test(control, "team", now=NOW)


def test_going_on_forgets_the_pause_and_a_subscriber_who_had_gone(control: Engine) -> None:
    pause(control, "team", by="lea", now=NOW)
    note_problem(control, "other", "410 Gone", disabled_at=NOW)

    for name in ("team", "other"):
        resume(control, name)

    for name in ("team", "other"):
        found = get_subscription(control, name)
        assert (found.problem, found.disabled_at) == (None, None)
        assert send_test(control, name, now=NOW).subscription == name


def test_pausing_one_leaves_the_others_alone(control: Engine) -> None:
    pause(control, "team", by="lea", now=NOW)

    assert get_subscription(control, "other").disabled_at is None


@pytest.mark.parametrize("name", ["nobody", "", "team'; --"])
def test_what_is_not_there_can_neither_be_paused_nor_go_on(control: Engine, name: str) -> None:
    with pytest.raises(SubscriptionError, match="there is no subscription"):
        pause(control, name, by="lea", now=NOW)
    with pytest.raises(SubscriptionError, match="there is no subscription"):
        resume(control, name)
