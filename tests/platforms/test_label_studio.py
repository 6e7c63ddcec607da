"""A real Label Studio, several people at once, the gateway killed in the middle: nothing is lost or made up."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
from typer.testing import CliRunner

from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import ANNOTATIONS
from assay_services.cli.__main__ import app as command
from assay_services.devtools.ports import free_port
from assay_services.engine.contract_table import publish_contract
from assay_services.engine.kafka import partition_reader
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.gateway.settings import GatewaySettings
from assay_services.stores.control.connection_store import ConnectionStore
from assay_services.stores.control.database import open_control
from assay_services.stores.control.vault import Vault
from tests.platforms.labels import CONTRACTS, a_label, a_result, a_task
from tests.platforms.server import TOKEN, LabelStudioServer
from tests.support.processes import Service, wait_for

pytestmark = [pytest.mark.platforms, pytest.mark.timeout(900)]
TASKS = 12
USERS = 3

Said = dict[tuple[str, str, str], Any]
"""The newest live label by project, item and annotator."""


class Shop(NamedTuple):
    """A labelling shop: projects with their tasks, people, and Assay connected to it."""

    server: LabelStudioServer
    settings: GatewaySettings
    gateway: Service
    projects: dict[str, tuple[int, list[int]]]
    users: list[int]


@pytest.fixture
def gateway_settings(settings: RuntimeSettings) -> GatewaySettings:
    return GatewaySettings(
        **settings.model_dump(), gateway_port=free_port(), poll_seconds=1, sweep_seconds=2, _env_file=None
    )


@pytest.fixture
def shop(
    label_studio: LabelStudioServer, gateway_settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    settings = gateway_settings
    asyncio.run(ensure_topics(settings))
    for kind, label in CONTRACTS.items():
        rules = [{"id": "too-fast", "lead_time_below_seconds": 1}]
        contract = {"project": kind, "version": 1, "label": label, "redundancy": USERS, "rules": rules}
        asyncio.run(publish_contract(settings, LabelContract.model_validate(contract)))
    people = [label_studio.a_user(f"{settings.prefix}{number}") for number in range(USERS)]
    projects = {
        kind: label_studio.a_project(kind, [a_task(kind, number) for number in range(TASKS)]) for kind in CONTRACTS
    }
    services = {name: Service(name, settings, free_port()) for name in ("validator", "consensus", "archive", "gateway")}
    for one in services.values():
        one.start()
    monkeypatch.setenv("ASSAY_FOLDER", str(settings.folder))
    monkeypatch.setenv("ASSAY_GATEWAY_PORT", str(settings.gateway_port))
    monkeypatch.setenv("ASSAY_KAFKA", str(settings.kafka))
    monkeypatch.setenv("ASSAY_PREFIX", settings.prefix)
    monkeypatch.setenv("ASSAY_PARTITIONS", str(settings.partitions))
    _wait_until_up(settings)
    for kind, (number, _) in projects.items():
        wanted = ["--url", label_studio.url, "--project", str(number), "--token", TOKEN, "--into", kind, "--name"]
        done = CliRunner().invoke(command, ["connect", "label-studio", *wanted, f"{settings.prefix}{kind}"])
        assert done.exit_code == 0, done.output
    yield Shop(label_studio, settings, services["gateway"], projects, people)
    for one in services.values():
        one.stop()


def _wait_until_up(settings: GatewaySettings) -> None:
    def ready() -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{settings.gateway_port}/ready")
        except httpx.TransportError:
            return False
        return bool(answer.json()["kafka"] == "up")

    wait_for(ready, seconds=60, what="the gateway is up")


def a_shift(shop: Shop, kind: str, user: int, seed: int, *, part: int) -> None:
    """Let somebody work through half of a project's tasks: annotate, change their mind, skip, delete, do it again."""
    rng, (_, tasks) = random.Random(seed), shop.projects[kind]
    for task in tasks[part::2]:
        choice = rng.randrange(2)
        if rng.random() < 0.1:
            shop.server.annotate(task, user, [], was_cancelled=True)
            continue
        made = shop.server.annotate(task, user, a_result(kind, choice))
        fate = rng.random()
        if fate < 0.25:
            shop.server.ask("PATCH", f"/api/annotations/{made}/", json={"result": a_result(kind, 1 - choice)})
        elif fate < 0.4:
            shop.server.ask("DELETE", f"/api/annotations/{made}/")
        elif fate < 0.5:
            shop.server.ask("DELETE", f"/api/annotations/{made}/")
            shop.server.annotate(task, user, a_result(kind, 1 - choice))
        elif fate < 0.6:
            shop.server.ask("POST", f"/api/annotations/{made}/convert-to-draft")


def all_work(shop: Shop, *, part: int) -> None:
    jobs = [(kind, user, number) for kind in shop.projects for number, user in enumerate(shop.users)]
    with ThreadPoolExecutor(4) as people:
        list(people.map(lambda job: a_shift(shop, job[0], job[1], 31 * job[2] + part, part=part), jobs))


def in_label_studio(shop: Shop) -> Said:
    """Return what Label Studio's own export says, read by hand: the newest of each person on each task."""
    newest: dict[tuple[str, str, str], tuple[str, Any]] = {}
    for kind, (project, _) in shop.projects.items():
        labels = {str(a_result(kind, choice)[0]["value"]): a_label(kind, choice) for choice in range(2)}
        for task in shop.server.exported(project):
            for one in task["annotations"]:
                place = (kind, str(task["id"]), str(one["completed_by"]))
                said = None if one["was_cancelled"] else labels[str(one["result"][0]["value"])]
                newest[place] = max(newest.get(place, ("", None)), (one["updated_at"], said), key=lambda pair: pair[0])
    return {place: label for place, (_, label) in newest.items() if label is not None}


async def on_the_topic(settings: RuntimeSettings) -> Said:
    """Return what the topic says when the newest of each person on each item counts, whatever the order."""
    newest: dict[tuple[str, str, str], tuple[str, str, Any]] = {}
    for number in range(settings.partitions):
        async with partition_reader(settings, ANNOTATIONS.name, number) as reader:
            async for batch in reader.batches():
                for record in batch:
                    one = orjson.loads(record.value)
                    place = (one["project"], one["item"]["id"], one["annotator"]["id"])
                    live = one["label"] if one["action"] in {"created", "updated"} else None
                    told = (one["occurred_at"], one["id"], live)
                    newest[place] = max(newest.get(place, ("", "", None)), told, key=lambda three: three[:2])
    return {place: label for place, (_, _, label) in newest.items() if label is not None}


def in_the_archive(settings: RuntimeSettings) -> Said:
    with closing(sqlite3.connect(settings.folder / "archive.db")) as archive:
        found = archive.execute("select project, item, annotator, label, label_kind from live_annotations").fetchall()
    return {
        (project, item, annotator): label if kind == "text" else orjson.loads(label)
        for project, item, annotator, label, kind in found
        if label is not None
    }


def agreed(shop: Shop, *, seconds: float) -> Said:
    """Return what all three say as soon as they say the same; say what differs where they do not."""
    there = in_label_studio(shop)

    def differences() -> tuple[Said, Said]:
        return asyncio.run(on_the_topic(shop.settings)), in_the_archive(shop.settings)

    try:
        wait_for(lambda: differences() == (there, there), seconds=seconds, what="all agree")
    except AssertionError:
        topic, archive = differences()
        assert topic == there, shop.gateway.said()[-2_000:]
        assert archive == there
    return there


def test_label_studio_the_topics_and_the_archive_agree_though_the_gateway_was_killed(shop: Shop) -> None:
    all_work(shop, part=0)
    shop.gateway.kill()
    all_work(shop, part=1)
    for _, tasks in shop.projects.values():
        shop.server.ask("DELETE", f"/api/tasks/{tasks[0]}/")

    shop.gateway.start()

    said = agreed(shop, seconds=120)
    assert len(said) > len(CONTRACTS) * TASKS * USERS * 0.5
    recovered = wait_for(lambda: _counted(shop, "recovered"), seconds=10, what="something was recovered")
    assert recovered > len(CONTRACTS) * USERS
    assert _counted(shop, "webhooks") > 0  # which of the two is first to bring an annotation, the machine decides
    assert TOKEN not in shop.gateway.said()
    audited = CliRunner().invoke(command, ["audit"])
    assert audited.exit_code == 0, audited.output
    assert "live annotations from the platform to the archive" in audited.output


def test_a_project_that_is_made_later_is_connected_by_itself_and_taken_leave_of(shop: Shop) -> None:
    number, _ = shop.server.a_project("choices", [a_task("choices", 0)])
    wanted = ["--url", shop.server.url, "--project", str(number), "--token", TOKEN, "--follow"]
    assert CliRunner().invoke(command, ["connect", "label-studio", *wanted]).exit_code == 0

    later, tasks = shop.server.a_project("choices", [a_task("choices", 1)])
    name = f"label-studio-{later}"
    wait_for(lambda: name in _connected(shop), seconds=60, what="the new project is connected")
    shop.server.annotate(tasks[0], shop.users[0], a_result("choices", 1))

    said = wait_for(lambda: _said_in(shop, name), seconds=60, what="its annotation arrives")
    assert said == {(name, str(tasks[0]), str(shop.users[0])): "scam"}
    assert CliRunner().invoke(command, ["disconnect", name]).exit_code == 0
    assert name not in _connected(shop)
    hooks = shop.server.ask("GET", "/api/webhooks/", params={"project": later})
    assert [one["url"] for one in hooks if one["url"].endswith(name)] == []


def _connected(shop: Shop) -> set[str]:
    with closing(sqlite3.connect(shop.settings.folder / "control.db")) as control:
        return {str(name) for (name,) in control.execute("select name from connections")}


def _said_in(shop: Shop, project: str) -> Said:
    found = asyncio.run(on_the_topic(shop.settings))
    return {place: label for place, label in found.items() if place[0] == project}


def test_the_verdict_goes_back_to_the_platform_and_does_not_go_round(shop: Shop) -> None:
    store = ConnectionStore(open_control(shop.settings), Vault(shop.settings))
    name = f"{shop.settings.prefix}choices"
    store.note(name, write_back=True)
    _, tasks = shop.projects["choices"]
    for user, choice in zip(shop.users, (0, 0, 1), strict=True):
        shop.server.annotate(tasks[0], user, a_result("choices", choice), lead_time=0.2)
    for user, choice in zip(shop.users[:2], (0, 1), strict=True):
        shop.server.annotate(tasks[1], user, a_result("choices", choice))
    shop.server.annotate(tasks[1], shop.users[2], [], was_cancelled=True)

    written = wait_for(lambda: _written(shop, tasks[0]), seconds=60, what="the consensus is in Label Studio")
    agreed(shop, seconds=60)

    assert written["meta"]["assay"]["consensus"]["label"] == "safe"
    assert [one["rule"] for one in written["meta"]["assay"]["findings"]] == ["too-fast"] * USERS
    predicted = [one for one in written["predictions"] if one["model_version"] == "assay"]
    assert [one["result"][0]["value"] for one in predicted] == [{"choices": ["safe"]}]
    events = asyncio.run(_events(shop.settings))
    assert len(events) == 2 * USERS, events  # each by its id: webhook and poll may both bring one, and that is no news
    for _ in range(2):
        polled = store.get(name).polled_at
        wait_for(lambda: store.get(name).polled_at != polled, seconds=60, what="it is polled again")  # noqa: B023
    assert asyncio.run(_events(shop.settings)) == events


def test_of_two_annotations_by_one_person_the_survivor_counts_again(shop: Shop) -> None:
    _, tasks = shop.projects["choices"]
    person = shop.users[0]
    for task in tasks[:2]:
        shop.server.annotate(task, person, a_result("choices", 0))
    newer = [shop.server.annotate(task, person, a_result("choices", 1)) for task in tasks[:2]]
    before = agreed(shop, seconds=60)

    shop.server.ask("DELETE", f"/api/annotations/{newer[0]}/")
    shop.gateway.kill()
    shop.server.ask("DELETE", f"/api/annotations/{newer[1]}/")
    shop.gateway.start()

    after = agreed(shop, seconds=120)
    places = [("choices", str(task), str(person)) for task in tasks[:2]]
    assert [before[place] for place in places] == ["scam", "scam"]
    assert [after[place] for place in places] == ["safe", "safe"]
    audited = CliRunner().invoke(command, ["audit"])
    assert audited.exit_code == 0, audited.output


def _written(shop: Shop, task: int) -> dict[str, Any] | None:
    found: dict[str, Any] = shop.server.ask("GET", f"/api/tasks/{task}/")
    said = found["meta"].get("assay", {})
    complete = said.get("consensus", {}).get("votes") == USERS and len(said.get("findings", ())) == USERS
    return found if complete and found["predictions"] else None


async def _events(settings: RuntimeSettings) -> Counter[str]:
    found: Counter[str] = Counter()
    for number in range(settings.partitions):
        async with partition_reader(settings, ANNOTATIONS.name, number) as reader:
            async for batch in reader.batches():
                found.update(orjson.loads(record.value)["id"] for record in batch)
    return found


def _counted(shop: Shop, what: str) -> int:
    with closing(sqlite3.connect(shop.settings.folder / "control.db")) as control:
        return int(control.execute(f"select sum({what}) from connections").fetchone()[0])  # noqa: S608  # a column
