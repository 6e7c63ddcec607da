"""The gateway: time to acknowledge with Kafka up and down, and time to drain the spool."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import numpy as np
import orjson

from assay_services.devtools.local_broker import LocalBroker
from assay_services.devtools.ports import free_port
from assay_services.gateway.settings import GatewaySettings
from assay_services.stores.control.api_keys import ApiKeyStore
from assay_services.stores.control.database import open_control
from assay_services.stores.control.tables.connections_and_keys import Scope
from bench.processes import MeasuredProcess
from bench.report import Sheet, at_most

_CONNECTIONS = 40
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """Requests a second, one annotation each, and for how long."""

    rate: int = 500
    seconds: float = 15.0


def measure(load: Load) -> Sheet:
    """Measure with a broker of its own, which is killed in the middle."""
    with TemporaryDirectory(prefix="assay-bench-") as name, LocalBroker(Path(name) / "kafka") as broker:
        settings = GatewaySettings(
            folder=Path(name), kafka=broker.address, gateway_port=free_port(), rate_per_second=1e6, _env_file=None
        )
        _, key = ApiKeyStore(open_control(settings)).create("bench", [Scope.WRITE], now=datetime.now(UTC))
        extra = {"ASSAY_GATEWAY_PORT": str(settings.gateway_port), "ASSAY_RATE_PER_SECOND": "1000000"}
        with MeasuredProcess("assay_services.gateway", settings, **extra):
            _wait(settings, "up")
            asyncio.run(_send(settings, key, Load(load.rate, 2), first=0))
            there = asyncio.run(_send(settings, key, load, first=10**6))
            broker.kill()
            away = asyncio.run(_send(settings, key, load, first=2 * 10**6))
            broker.start()
            began = time.monotonic()
            _wait(settings, "up")
            drained = time.monotonic() - began
    rows = [
        *_rows("Kafka up", there, load, target_ms=200),
        *_rows("Kafka down, from the moment of its kill", away, load, target_ms=500),
        (f"{len(away.seconds):,} spooled records in Kafka after its restart", f"{drained:.1f} s", "", ""),
    ]
    note = (
        f"{load.rate} requests per second, one annotation each, for {load.seconds:g} s over {_CONNECTIONS} connections."
    )
    return Sheet("Gateway: time to acknowledge", ("what", "measured", "target", "result"), rows, (note,))


@dataclass(frozen=True, slots=True)
class Answers:
    """How long each acknowledgement took (s), and how many requests had another answer."""

    seconds: Sequence[float]
    others: int


def _rows(when: str, found: Answers, load: Load, *, target_ms: float) -> Iterator[tuple[str, str, str, str]]:
    p50, p99, most = np.percentile(found.seconds, [50, 99, 100]) * 1_000
    yield f"{when}: p50", f"{p50:.1f} ms", "", ""
    yield f"{when}: p99", f"{p99:.1f} ms", f"at most {target_ms:g} ms", at_most(p99, target_ms)
    yield f"{when}: slowest", f"{most:.0f} ms", "", ""
    lost = f"{when}: not acknowledged, of {int(load.rate * load.seconds):,}"
    yield lost, str(found.others), "0", at_most(found.others, 0)


async def _send(settings: GatewaySettings, key: str, load: Load, *, first: int) -> Answers:
    """Send at a steady rate, whatever the answers: a slow one does not hold back the next request."""
    seconds: list[float] = []
    others = 0
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def client() -> None:
        nonlocal others
        reader, writer = await asyncio.open_connection("127.0.0.1", settings.gateway_port)
        while True:
            due, request = await waiting.get()
            writer.write(request)
            status = await _status(reader)
            seconds.append(time.perf_counter() - due)
            others += status != b"200"
            waiting.task_done()

    clients = [asyncio.create_task(client()) for _ in range(_CONNECTIONS)]
    began = time.perf_counter()
    for number in range(int(load.rate * load.seconds)):
        due = began + number / load.rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        waiting.put_nowait((due, _request(key, first + number)))
    await waiting.join()
    for one in clients:
        one.cancel()
    return Answers(seconds, others)


async def _status(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    await reader.readexactly(length)
    return head[9:12]


def _request(key: str, number: int) -> bytes:
    body = orjson.dumps(
        {
            "id": f"an-{number}", "project": "ads-safety", "item": {"id": f"i-{number % 10_000}", "text": "x" * 200},
            "annotator": {"id": f"a{number % 50}"}, "label": "safe", "occurred_at": datetime.now(UTC).isoformat(),
        }
    )  # fmt: skip
    head = (
        "POST /v1/annotations HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _wait(settings: GatewaySettings, kafka: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{settings.gateway_port}/ready", timeout=5) as answer:
                if orjson.loads(answer.read())["kafka"] == kafka:
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the gateway did not find Kafka {kafka} in time")
