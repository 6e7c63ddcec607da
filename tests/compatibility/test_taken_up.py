"""What an earlier version left behind is taken up by this one: its Kafka, its archive, its control database.

`taken_up.tar.xz` was recorded by version 0.1.0 with `recorder.py`, before the packages were named as they are now.
"""

import sqlite3
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.compatibility.recorder import ANNOTATORS, FIXTURE, ITEMS, LABELS, Stack, annotation, label_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
ASSAY = (sys.executable, "-m", "assay_services.cli")
NEWCOMER = "eve"
ITEM = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with everything that the earlier version left."""
    found = tmp_path_factory.mktemp("taken_up")
    with tarfile.open(FIXTURE) as packed:
        packed.extractall(found, filter="data")
    return found


@pytest.fixture(scope="module")
def before(folder: Path) -> dict[str, int]:
    """Return how many rows the archive had."""
    with sqlite3.connect(folder / ".assay" / "archive.db") as archive:
        return {
            table: archive.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608  # ours
            for table in ("annotations", "alerts", "items")
        }


@pytest.fixture(scope="module")
def stack(folder: Path, before: dict[str, int]) -> Iterator[Stack]:
    assert before
    with Stack(ASSAY, folder) as running:
        yield running


def votes(stack: Stack) -> dict[str, int]:
    """Return the number of votes of the item in each project."""
    rows = stack.query(f"select project, votes from items_now where item = 'item-{ITEM}'")  # noqa: S608  # ours
    return {row["project"]: row["votes"] for row in rows}


def test_nothing_is_lost_and_the_state_of_every_service_goes_on(
    stack: Stack, folder: Path, before: dict[str, int]
) -> None:
    stack.wait_until_ready()
    assert votes(stack) == dict.fromkeys(LABELS, len(ANNOTATORS))

    news = [annotation(project, ITEM, NEWCOMER, label_of(project, ITEM, 0)) for project in LABELS]
    stack.post("/v1/annotations", news, (folder / "key").read_text())
    stack.wait_for(lambda: set(votes(stack).values()) == {len(ANNOTATORS) + 1}, "one more vote in every project")

    assert set(votes(stack)) == set(LABELS)
    assert stack.count("annotations") == before["annotations"] + len(LABELS)
    assert stack.count("items") == before["items"]
    assert stack.query("select count(*) as n from (select distinct id from alerts)")[0]["n"] >= 1
    stack.run("audit")  # raises where a ledger does not balance


def test_the_reliability_of_known_annotators_rests_on_what_they_did_before(stack: Stack) -> None:
    rows = stack.query("select annotator, votes from reliability where project = 'kinds-categorical'")

    assert {row["annotator"]: row["votes"] for row in rows}["ada"] >= ITEMS
    assert stack.query("select count(*) as n from conduct where annotator = 'ada'")[0]["n"] == len(LABELS)


def test_contracts_keys_connections_users_and_subscriptions_are_still_there(stack: Stack) -> None:
    contracts = orjson.loads(stack.run("contract", "list", "--json"))

    assert {one["project"] for one in contracts} == set(LABELS)
    assert "recorder" in stack.run("key", "list")
    assert "boxes" in stack.run("connections")
    assert "anna" in stack.run("user", "list")
    assert "copied" in stack.run("subscriptions")
