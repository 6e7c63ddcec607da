"""Connections: their secrets encrypted, their counts kept, and what is held through them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from assay_schemas.annotation import Annotation
from assay_services.gateway.published_index import PublishedIndex
from assay_services.gateway.settings import GatewaySettings
from assay_services.stores.control.connection_store import (
    ConnectionExistsError,
    ConnectionStore,
    NoSuchConnectionError,
    Secrets,
    new_hook_secret,
)
from assay_services.stores.control.database import open_control
from assay_services.stores.control.tables.connections_and_keys import Connection
from assay_services.stores.control.vault import Vault
from tests.support.builders import NOW, an_annotation, an_item


def a_connection(name: str = "ls") -> Connection:
    return Connection(name=name, platform="label-studio", project="ads", secrets="", created_at=NOW)


@pytest.fixture
def engine(offline: GatewaySettings) -> Engine:
    return open_control(offline)


@pytest.fixture
def connections(engine: Engine, offline: GatewaySettings) -> ConnectionStore:
    return ConnectionStore(engine, Vault(offline))


def said(number: str, *, at: datetime = NOW, item: str = "i-204", **changes: object) -> Annotation:
    source = {"platform": "label-studio", "project": "3", "annotation": number}
    return an_annotation(
        id=f"{number}@{at}", source=source, occurred_at=at.isoformat(), item=an_item(id=item), **changes
    )


def test_secrets_come_back_and_lie_encrypted(connections: ConnectionStore, engine: Engine) -> None:
    secret = Secrets(("hook-secret",), "api-token", "7")

    connections.add(a_connection(), secret)

    assert connections.secrets_of(connections.get("ls")) == secret
    with engine.connect() as database:
        stored = str(database.execute(text("select * from connections")).all())
    assert "hook-secret" not in stored
    assert "api-token" not in stored
    assert "hook-secret" not in repr(secret)
    assert "api-token" not in repr(secret)


def test_a_name_is_taken_once(connections: ConnectionStore) -> None:
    connections.add(a_connection(), Secrets())

    with pytest.raises(ConnectionExistsError, match="'ls' is there already"):
        connections.add(a_connection(), Secrets())


def test_a_connection_that_is_not_there_says_so(connections: ConnectionStore) -> None:
    with pytest.raises(NoSuchConnectionError, match="'nobody'"):
        connections.get("nobody")


def test_counts_add_up_and_other_columns_are_noted(connections: ConnectionStore) -> None:
    connections.add(a_connection(), Secrets())

    connections.count("ls", at=NOW, webhooks=2, duplicates=0)
    connections.count("ls", webhooks=1, recovered=4)
    connections.note("ls", watermark="2026")
    connections.set_secrets("ls", Secrets(("new",)))
    connections.note("ls")

    found = connections.all()[0]
    assert (found.webhooks, found.recovered, found.duplicates) == (3, 4, 0)
    assert (found.last_event_at, found.watermark) == (NOW, "2026")
    assert connections.secrets_of(found).hooks == ("new",)


def test_a_removed_connection_takes_what_was_held_with_it(connections: ConnectionStore, engine: Engine) -> None:
    for name in ("ls", "other"):
        connections.add(a_connection(name), Secrets())
        PublishedIndex(engine, name).learn([said("1")])

    connections.remove("ls")

    assert PublishedIndex(engine, "ls").held("i-204") == []
    assert PublishedIndex(engine, "other").held("i-204") == ["1"]
    assert [one.name for one in connections.all()] == ["other"]


def test_what_was_published_is_known_by_its_number_and_its_item(engine: Engine) -> None:
    held = PublishedIndex(engine, "ls")

    held.learn([said("1"), said("2"), said("3", item="other")])

    known = held.known("1")
    assert known is not None
    assert (known.item, known.annotator, known.occurred_at) == ("i-204", "a17", NOW)
    assert held.held("i-204") == ["1", "2"]
    assert held.known("9") is None


def test_the_same_state_is_no_news_and_neither_is_an_older_one(engine: Engine) -> None:
    held = PublishedIndex(engine, "ls")
    held.learn([said("1")])

    fresh = held.fresh(
        [said("1"), said("1", at=NOW - timedelta(1)), said("1", at=NOW + timedelta(1)), said("2"), an_annotation()]
    )

    assert fresh == [said("1", at=NOW + timedelta(1)), said("2"), an_annotation()]


def test_a_deletion_is_news_once(engine: Engine) -> None:
    held, deleted = PublishedIndex(engine, "ls"), said("1", action="deleted", label=None)
    held.learn([said("1")])

    before = held.fresh([deleted])
    held.learn([deleted, deleted])

    assert before == [deleted]
    assert held.fresh([deleted]) == []
    assert held.known("1") is None


def test_what_is_older_does_not_replace_what_is_held(engine: Engine) -> None:
    held = PublishedIndex(engine, "ls")

    held.learn([said("1", at=NOW), said("1", at=NOW - timedelta(1), item="before")])

    assert held.held("i-204") == ["1"]


def test_secrets_for_webhooks_are_never_the_same() -> None:
    assert new_hook_secret() != new_hook_secret()
    assert len(new_hook_secret()) > 40


def test_times_come_back_with_their_zone(connections: ConnectionStore) -> None:
    connections.add(a_connection(), Secrets())

    assert connections.get("ls").created_at == NOW.astimezone(UTC)
    assert connections.get("ls").created_at.tzinfo is not None
