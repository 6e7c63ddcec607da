"""Real worker processes: their pages, and the supervisor that runs them."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from assay_services.devtools.local_broker import LocalBroker
from assay_services.devtools.ports import free_port

PATIENCE_SECONDS = 180


@contextmanager
def running(*arguments: str, log: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ASSAY_")} | settings
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "assay_services.cli", *arguments], env=environment, stdout=file, stderr=file
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_SECONDS)


def answer(port: int, page: str) -> tuple[int, str]:
    """Return status and text of a page, once it is there and ready."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=5) as found:
                return found.status, found.read().decode()
        except (HTTPError, URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.mark.parametrize("name", ["validator", "archive"])
def test_a_worker_answers_for_its_health_and_its_metrics(name: str, kafka: LocalBroker, tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "ASSAY_KAFKA": kafka.address,
        "ASSAY_PREFIX": "web.",
        "ASSAY_FOLDER": str(tmp_path),
        "ASSAY_WEB_PORT": str(port),
    }

    with running("worker", name, log=tmp_path / "log", **settings) as process:
        ready, metrics = answer(port, "/ready"), answer(port, "/metrics")
        health = answer(port, "/health")

    assert json.loads(ready[1]) == {"service": name, "ready": True}
    assert json.loads(health[1])["status"] == "up"
    assert "assay_events_in_total" in metrics[1]
    assert process.returncode == 0


def test_up_runs_everything_and_stops_it_on_ctrl_c(tmp_path: Path) -> None:
    port = free_port()
    settings = {"ASSAY_FOLDER": str(tmp_path), "ASSAY_WEB_PORT": str(port), "COLUMNS": "200"}

    with running("up", log=tmp_path / "log", **settings) as process:
        ready = answer(port, "/ready")

    assert ready[0] == 200
    assert process.returncode == 0
    assert "partition_ready" in (tmp_path / "log").read_text()
    assert not (tmp_path / "broker.json").exists()
