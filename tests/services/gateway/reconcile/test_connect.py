"""Connecting platforms: what is registered there, what is kept, what is left to a person."""

import asyncio
import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from assay_services.cli.__main__ import app as command
from assay_services.gateway.settings import GatewaySettings
from assay_services.stores.control.connection_store import ConnectionStore, Secrets
from assay_services.stores.control.database import open_control
from assay_services.stores.control.tables.connections_and_keys import Connection
from assay_services.stores.control.vault import Vault
from assay_services.terminal import out
from tests.services.gateway.fakes.argilla import FakeArgilla
from tests.services.gateway.fakes.cvat import FakeCvat
from tests.services.gateway.fakes.doccano import FakeDoccano
from tests.services.gateway.fakes.label_studio import FakeLabelStudio
from tests.services.gateway.fakes.platform import TOKEN, Fake, served
from tests.services.gateway.fakes.toloka import FakeToloka
from tests.services.gateway.payloads import GENERIC_HOOK, sent
from tests.services.gateway.reconcile_pass import Shop, a_shop

MAPPING = Path(__file__).parents[4] / "docs" / "generic-mapping.yaml"


@pytest.fixture
def store(offline: GatewaySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectionStore]:
    monkeypatch.setenv("ASSAY_FOLDER", str(offline.folder))
    monkeypatch.setattr(out, "width", 200)  # what COLUMNS says may have been read long ago
    engine = open_control(offline)
    yield ConnectionStore(engine, Vault(offline))
    engine.dispose()


def connected(fake: Fake, *options: str, name: str = "shop") -> str:
    """Connect by the command; return what it says."""
    with served(fake.app) as url:
        wanted = ["connect", fake.platform, "--url", url, "--token", TOKEN, "--name", name, "--into", "ads", *options]
        done = CliRunner().invoke(command, wanted)
    assert done.exit_code == 0, done.output
    return done.output


def test_cvat_gets_a_webhook_with_a_secret_of_ours_for_the_events_that_it_has(store: ConnectionStore) -> None:
    fake = FakeCvat()

    said = connected(fake, "--project", "4")

    secret = store.secrets_of(store.get("shop")).hooks[0]
    assert fake.hooked[0]["events"] == ["create:task", "delete:task", "update:job"]
    assert (fake.hooked[0]["secret"], fake.hooked[0]["project_id"], fake.hooked[0]["type"]) == (secret, 4, "project")
    assert fake.hooked[0]["target_url"].endswith("/v1/hooks/shop")
    assert secret not in said
    assert TOKEN not in said


def test_argilla_makes_the_secret_itself(store: ConnectionStore) -> None:
    fake = FakeArgilla()

    connected(fake, "--dataset", fake.number, "--set", "control=sentiment", "--write-back")

    found = store.get("shop")
    assert store.secrets_of(found).hooks == (base64.b64encode(b"of-argilla-itself" * 4).decode(),)
    assert store.secrets_of(found).webhook_id == "hook-1"
    assert (found.settings["controls"], found.write_back) == (["sentiment"], True)
    assert "response.deleted" in fake.hooked[0]["events"]


def test_toloka_says_what_to_do_by_hand_and_shows_its_secret_once(store: ConnectionStore) -> None:
    said = connected(FakeToloka(), "--pool", "pool-1")

    assert store.secrets_of(store.get("shop")).hooks[0] in said
    assert "ASSIGNMENT_SUBMITTED" in said
    assert "/v1/hooks/shop" in said


def test_doccano_says_that_it_has_no_webhooks(store: ConnectionStore) -> None:
    said = connected(FakeDoccano(), "--project", "2", "--set", "item-field=own", "--set", "attribute=market")

    assert "no webhooks" in said
    assert store.get("shop").settings["item_field"] == "own"
    assert store.get("shop").settings["attributes"] == ["market"]


def test_label_studio_takes_its_own_options_and_those_of_all(store: ConnectionStore) -> None:
    fake = FakeLabelStudio()

    connected(fake, "--project", "3", "--control", "sentiment", "--set", "text-field=body")

    chosen = store.get("shop").settings
    assert (chosen["controls"], chosen["text_field"], chosen["header"]) == (["sentiment"], "body", "X-Assay-Secret")


def test_a_project_that_is_not_there_is_not_connected(store: ConnectionStore) -> None:
    with served(FakeCvat().app) as url:
        wanted = ["connect", "cvat", "--url", url, "--project", "9", "--token", TOKEN]
        done = CliRunner().invoke(command, wanted)

    assert done.exit_code == 1
    assert "404" in done.output
    assert store.all() == []


@pytest.mark.usefixtures("store")
def test_all_connections_are_shown_with_their_platforms() -> None:
    connected(FakeCvat(), "--project", "4", name="street")
    connected(FakeDoccano(), "--project", "2", name="tickets")

    said = CliRunner().invoke(command, ["connections"]).output

    assert [line.split()[:2] for line in said.splitlines()[1:]] == [["street", "cvat"], ["tickets", "doccano"]]


def test_a_mapping_is_kept_with_the_connection_and_needs_no_file(store: ConnectionStore, tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_bytes(MAPPING.read_bytes())
    wanted = ["connect", "webhook", "generic", "--name", "tool", "--into", "ads", "--mapping", str(file)]

    done = CliRunner().invoke(command, wanted)
    file.unlink()

    assert done.exit_code == 0, done.output
    assert store.get("tool").settings["mapping"]["annotation"]


@pytest.mark.parametrize("options", [["generic"], ["argilla", "--mapping", str(MAPPING)], ["no-such-platform"]])
def test_a_mapping_belongs_to_the_generic_platform(store: ConnectionStore, options: list[str]) -> None:
    done = CliRunner().invoke(command, ["connect", "webhook", *options, "--name", "tool", "--into", "ads"])

    assert done.exit_code == 1
    assert store.all() == []


def test_an_option_that_there_is_not_is_refused(store: ConnectionStore) -> None:
    wanted = ["connect", "toloka", "--pool", "1", "--token", TOKEN, "--set", "colour=red"]

    done = CliRunner().invoke(command, wanted)

    assert done.exit_code == 1
    assert "item-field" in done.output
    assert store.all() == []


MAPPING_IN_JSON = b"""{
  "events": "events[]", "only_when": "kind == 'label'", "annotation": "uid", "annotator": "by.login",
  "item": {"id": "doc.id", "text": "doc.body"}, "label": "verdict", "occurred_at": "at", "time_unit": "milliseconds",
  "signature": {"scheme": "header", "header": "X-Tool"}
}"""


@pytest.fixture
def tool(offline: GatewaySettings) -> Iterator[Shop]:
    with a_shop(FakeDoccano(), offline) as shop:
        settings = {"mapping": orjson.loads(MAPPING_IN_JSON)}
        made = Connection(name="tool", platform="generic", project="ads", secrets="", created_at=datetime.now(UTC))
        made.settings = settings
        shop.connections.add(made, Secrets(("a-secret",)))
        yield shop


@pytest.mark.parametrize(("header", "status"), [("x_tool", 200), ("x_other", 401)])
def test_a_tool_is_understood_and_proved_by_its_mapping(tool: Shop, header: str, status: int) -> None:
    answer = asyncio.run(
        tool.hooks.receive(tool.connections.get("tool"), sent(GENERIC_HOOK, **{header: "a-secret"}), datetime.now(UTC))
    )

    assert answer.status == status
    assert [one.label for one in tool.topic.said] == (["neg"] if status == 200 else [])
