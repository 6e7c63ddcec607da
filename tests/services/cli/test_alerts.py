"""`assay alerts` and `assay subscribe`, as people type them."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assay_services.alerts.delivery.outbox import AlertOutbox, Patience
from assay_services.cli.__main__ import app
from assay_services.stores.control.database import ControlSettings, open_control
from tests.services.alerts.delivery.test_messages import an_alert


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlertOutbox]:
    monkeypatch.setenv("ASSAY_FOLDER", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    engine = open_control(ControlSettings())
    yield AlertOutbox(engine, Patience(5, timedelta(hours=24)), random.Random(1))
    engine.dispose()


def assay(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_somebody_subscribes_looks_and_leaves(outbox: AlertOutbox) -> None:
    made = assay("subscribe", "webhook", "https://example.com/x?key=hidden", "--only", "project=ads", "--name", "night")
    again = assay("subscribe", "webhook", "https://example.com/x", "--name", "night")
    wrong = assay("subscribe", "slack", "https://example.com/x", "--only", "colour=red")
    tested = assay("alerts", "test", "night")
    shown, sent = assay("subscriptions"), assay("alerts", "deliveries", "--fate", "due")
    left, unknown = assay("unsubscribe", "night"), assay("unsubscribe", "night")

    assert "whsec_" in made.stdout
    assert "hidden" not in made.stdout + shown.stdout
    assert "project=ads" in shown.stdout
    assert "night" in tested.stdout + sent.stdout
    assert (again.exit_code, wrong.exit_code, unknown.exit_code) == (1, 1, 1)
    assert left.exit_code == 0
    assert assay("subscriptions").stdout.startswith("no subscription yet")
    assert outbox.subscriptions() == []


def test_an_alert_is_seen_acknowledged_silenced_and_judged(outbox: AlertOutbox) -> None:
    outbox.route("k/", [an_alert(id="abc123")], position=0, after=1, now=datetime.now(UTC))

    listed, shown = assay("alerts", "list"), assay("alerts", "show", "abc")
    acked = assay("alerts", "ack", "abc", "--by", "lea", "--why", "looking")
    silenced = assay("alerts", "silence", "annotator=w1", "--for", "4h", "--why", "training", "--by", "lea")
    silences = assay("alerts", "silences")
    judged = assay("alerts", "feedback", "abc", "--noise", "--by", "lea")
    precise, exported = assay("alerts", "precision"), assay("alerts", "precision", "--format", "csv")

    assert "agreement is low" in listed.stdout
    assert '"evidence"' in shown.stdout
    assert [one.exit_code for one in (acked, silenced, silences, judged)] == [0, 0, 0, 0]
    assert "annotator=w1" in silences.stdout
    assert "ads" in precise.stdout
    assert exported.stdout.splitlines()[1].startswith("ads,low,1,0,0.0000,")
    assert [content["kind"] for _, _, content in outbox.orders()] == ["acknowledge", "silence"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "nothing"),
        ("ack", "nothing"),
        ("silence", "annotator", "--for", "4h", "--why", "w"),
        ("silence", "annotator=w", "--for", "soon", "--why", "w"),
        ("unsilence", "nothing"),
        ("feedback", "nothing", "--useful"),
        ("test", "nobody"),
        ("deliveries", "--revive", "nothing"),
    ],
)
@pytest.mark.usefixtures("outbox")
def test_what_cannot_be_is_said_in_a_sentence(arguments: tuple[str, ...]) -> None:
    done = assay("alerts", *arguments)

    assert done.exit_code == 1
    assert "error" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.usefixtures("outbox")
def test_where_nothing_is_that_is_said() -> None:
    assert assay("alerts", "list").stdout.strip() == "nothing is the matter"
    assert "nothing is silenced" in assay("alerts", "silences").stdout
    assert "nobody has judged" in assay("alerts", "precision").stdout
