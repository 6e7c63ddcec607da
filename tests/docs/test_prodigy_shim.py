"""The recipe's shim, as a Prodigy user copies it, against a server on loopback."""

import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from assay_services.gateway.core.decode_result import Annotations, PlatformDelivery
from assay_services.gateway.core.platforms.prodigy import decode
from assay_services.gateway.core.platforms.registry import PLATFORMS
from assay_services.gateway.core.signatures import Verified, verify
from tests.services.gateway.payloads import PRODIGY_ANSWERS, asked
from tests.support.builders import NOW

SHIM = Path(__file__).parents[2] / "docs" / "prodigy_shim.py"
ANSWER: dict[str, Any] = PRODIGY_ANSWERS["answers"][0]


@pytest.fixture
def shim() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prodigy_shim", SHIM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def a_gateway(status: int) -> Iterator[tuple[str, list[PlatformDelivery]]]:
    came: list[PlatformDelivery] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            came.append(PlatformDelivery(raw, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/hooks/prodigy", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_answers_arrive_signed_and_are_read(shim: ModuleType, tmp_path: Path) -> None:
    with a_gateway(202) as (url, came):
        shim.Shim(url, "s3cret", "tickets", waiting=str(tmp_path / "w.jsonl")).update([ANSWER])

    (delivery,) = came
    outcome = decode(delivery, asked())
    assert verify(PLATFORMS["prodigy"].scheme, ["s3cret"], delivery, now=NOW) == Verified(0)
    assert isinstance(outcome, Annotations)
    assert (outcome.annotations[0].project, outcome.annotations[0].label) == ("tickets", "neg")


def test_answers_that_are_not_taken_wait_and_go_with_the_next_ones_in_parts(
    shim: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = tmp_path / "w.jsonl"
    answers = [ANSWER | {"_task_hash": n} for n in range(250)]
    with a_gateway(503) as (url, _):
        down = shim.Shim(url, "s3cret", "tickets", waiting=str(waiting))
        down.update(answers)
        down.on_exit()
    kept = len(waiting.read_text().splitlines())

    with a_gateway(202) as (url, came):
        shim.Shim(url, "s3cret", "tickets", waiting=str(waiting)).update([ANSWER])

    assert kept == 250
    assert f"250 answers wait in {waiting}" in capsys.readouterr().err
    outcomes = [decode(one, asked()) for one in came]
    assert [len(one.annotations) for one in outcomes if isinstance(one, Annotations)] == [100, 100, 51]
    assert not waiting.exists()


def test_nobody_there_is_no_reason_to_stop_the_annotators(shim: ModuleType, tmp_path: Path) -> None:
    with a_gateway(202) as (url, _):
        pass

    shim.Shim(url, "s3cret", "tickets", waiting=str(tmp_path / "w.jsonl")).update([ANSWER])

    assert (tmp_path / "w.jsonl").exists()


def test_the_file_needs_nothing_but_the_standard_library() -> None:
    imports = {
        line.split()[1].partition(".")[0]
        for line in SHIM.read_text().splitlines()
        if line.startswith(("import ", "from "))
    }

    assert imports <= sys.stdlib_module_names
