"""How the services and Kafka are: asked over HTTP and from Kafka itself, for all who watch together."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from assay_services.audit.background import Counting
from assay_services.console.pages.system import balance
from assay_services.console.settings import SERVICES, ConsoleSettings
from assay_services.console.system.health_checks import ServiceStatus, ask_kafka, ask_services, lags_in
from assay_services.console.system.system_feed import SystemFeed, SystemState
from assay_services.devtools.ports import free_port, health_addresses
from assay_services.devtools.supervisor import WORKERS
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.validator.core.step import BatchOrigin, ValidatorCore
from tests.support.kafka_io import put, running, until_all_judged

METRICS = """
# TYPE assay_lag_events gauge
assay_lag_events{partition="0",service="validator"} 3.0
assay_lag_events{partition="1",service="validator"} 4.0
assay_lag_events{partition="annotations.dead/0",service="archive"} 5.0
"""


@contextmanager
def a_service(answers: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    """Run an HTTP server that answers so; return its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def a_console(settings: RuntimeSettings, **changes: object) -> ConsoleSettings:
    return ConsoleSettings(**settings.model_dump() | {"console_services": {}} | changes, _env_file=None)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_service_is_ready_or_starting_or_away() -> None:
    with (
        a_service({"/ready": (200, "{}"), "/metrics": (200, METRICS)}) as ready,
        a_service({"/ready": (503, "{}"), "/metrics": (200, "")}) as starting,
        a_service({"/ready": (200, "hello"), "/metrics": (200, "<html>{ ")}) as another,
    ):
        gone = f"http://127.0.0.1:{free_port()}"
        addresses = {"ready": ready, "starting": starting, "another": another, "gone": gone, "wrong": "no address"}
        found = {one.name: one for one in asyncio.run(ask_services(addresses))}

    assert (found["ready"].standing, found["ready"].lag) == (ServiceStatus.READY, 12)
    assert (found["starting"].standing, found["starting"].lag) == (ServiceStatus.STARTING, None)
    assert {found[name].standing for name in ("another", "gone", "wrong")} == {ServiceStatus.AWAY}
    assert all(found[name].note for name in ("another", "gone", "wrong"))


def test_lag_is_said_by_reader_and_topic() -> None:
    assert lags_in(METRICS) == {"validator": 7, "archive, annotations.dead": 5}


def test_the_supervisor_tells_where_every_service_answers() -> None:
    ports = {name: 6066 + number for number, name in enumerate(WORKERS)}

    told = health_addresses(ports, host="0.0.0.0", gateway_port=8484)

    found = ConsoleSettings.model_validate_json(f'{{"console_services": {told}}}').console_services
    assert found == dict(SERVICES)
    assert {*found, "console"} == set(WORKERS)


def test_kafka_says_who_it_is_or_why_it_is_not_reached(settings: RuntimeSettings, tmp_path: Path) -> None:
    closed = settings.model_copy(update={"kafka": f"127.0.0.1:{free_port()}"})
    none = settings.model_copy(update={"kafka": None, "folder": tmp_path / "empty"})

    there, away, nowhere = (asyncio.run(ask_kafka(one)) for one in (settings, closed, none))

    assert (there.problem, there.brokers) == (None, 1)
    assert there.cluster
    assert away.problem
    assert "assay broker" in (nowhere.problem or "")


def test_the_ledgers_are_counted_partition_by_partition(settings: RuntimeSettings) -> None:
    async def judged() -> SystemFeed:
        await ensure_topics(settings)
        watch = SystemFeed(a_console(settings, console_audit_seconds=60), now=now)
        async with running(settings, lambda number, _: ValidatorCore({}, BatchOrigin("annotations", number))) as lane:
            await put(settings, b"no annotation", b"nor this")
            await until_all_judged(settings, lane)
            await watch.count()
        return watch

    ledgers = asyncio.run(asyncio.wait_for(_newest(asyncio.run(judged())), 180)).ledgers

    assert ledgers is not None
    assert ledgers.problem is None
    assert [one.verdicts["dead"] for one in ledgers.validator] == [2, 0]
    assert {balance(one) for one in (*ledgers.validator, *ledgers.consensus)} == {"✓ balances"}


async def _newest(watch: SystemFeed) -> SystemState:
    return await watch.snapshot()


@pytest.mark.parametrize("seconds", [0.001, 20])
def test_ledgers_that_cannot_be_counted_say_why(seconds: float, settings: RuntimeSettings) -> None:
    wanted = settings if seconds < 1 else settings.model_copy(update={"kafka": f"127.0.0.1:{free_port()}"})

    ledgers = asyncio.run(Counting(wanted, most_seconds=seconds, now=now).count())

    assert ledgers.problem
    assert ledgers.validator == ()


def test_counting_ends_at_once_when_the_console_does(settings: RuntimeSettings) -> None:
    async def begin_and_end() -> None:
        counting = Counting(settings, most_seconds=10_000, now=now)  # its topics are not made: it would wait for ever
        task = asyncio.create_task(counting.count())
        while not counting.is_counting:  # noqa: ASYNC110  # its thread tells nobody
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(begin_and_end())  # asyncio.run waits for the thread to end


def test_who_follows_is_told_and_who_left_is_not(settings: RuntimeSettings) -> None:
    async def watched() -> list[SystemState]:
        watch, seen, told = SystemFeed(a_console(settings), now=now), list[SystemState](), asyncio.Event()

        def follow(state: SystemState) -> None:
            seen.append(state)
            told.set()

        leave = watch.follow(follow)
        running_watch = asyncio.create_task(watch.run())
        await asyncio.wait_for(told.wait(), 180)
        leave()
        running_watch.cancel()
        await asyncio.gather(running_watch, return_exceptions=True)
        assert (await watch.snapshot()).at >= seen[-1].at  # a count may have ended since
        return seen

    (first, *_) = asyncio.run(watched())

    assert [one.name for one in first.services] == ["console"]
    assert first.broker.problem is None
