"""Clients that mean no good, or are too many: the others are served all the same."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from assay_services.devtools.local_broker import LocalBroker
from assay_services.gateway.settings import GatewaySettings
from tests.services.gateway.gateway_process import Gateway, a_gateway, annotation
from tests.support.processes import wait_for

MIB = 1024 * 1024
HEAD = b"POST /v1/annotations HTTP/1.1\r\nHost: gateway\r\n"


@pytest.fixture(scope="module")
def gateway(kafka: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway-load")
    settings = GatewaySettings(folder=folder, kafka=kafka.address, prefix="load.", partitions=2, _env_file=None)
    with a_gateway(settings, body_seconds=1) as found:
        found.wait_until("up")
        yield found


def connected(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.settings.gateway_port), timeout=90)


def is_served(gateway: Gateway) -> bool:
    return gateway.http.post("/v1/annotations", json=annotation(1)).status_code == 200


def authorization(gateway: Gateway) -> bytes:
    return f"Authorization: {gateway.http.headers['Authorization']}\r\n".encode()


def test_two_thousand_connections_that_only_wait_keep_nobody_out(gateway: Gateway) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with ExitStack() as stack:
            for _ in range(2_000):
                stack.enter_context(connected(gateway)).sendall(HEAD)

            assert is_served(gateway)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_body_that_comes_byte_by_byte_and_then_stops_is_given_up(gateway: Gateway) -> None:
    with connected(gateway) as slow:
        head = HEAD + authorization(gateway) + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        slow.sendall(head)

        served = is_served(gateway)
        answer = slow.recv(4_096)

    assert served
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_gigabyte_is_refused_by_its_length_before_it_is_sent(gateway: Gateway) -> None:
    with connected(gateway) as large:
        length = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (1_024 * MIB)
        large.sendall(HEAD + authorization(gateway) + length)

        answer = large.recv(4_096)

    assert answer.startswith(b"HTTP/1.1 413")


def test_a_gigabyte_that_does_not_say_so_is_cut_off(gateway: Gateway) -> None:
    chunk = b"%x\r\n%b\r\n" % (MIB, b" " * MIB)
    with connected(gateway) as large:
        large.sendall(
            HEAD + authorization(gateway) + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        sent = 0
        try:
            for _ in range(1_024):
                large.sendall(chunk)
                sent += 1
        except OSError:
            pass

    assert sent < 100
    assert is_served(gateway)


def test_bodies_that_hang_fill_the_room_and_not_the_house(gateway: Gateway, tmp_path: Path) -> None:
    settings = gateway.settings.model_copy(update={"folder": tmp_path})
    with a_gateway(settings, bodies_bytes=5_000, body_seconds=20) as small, ExitStack() as stack:
        small.wait_until("up")
        head = HEAD + authorization(small) + b"Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
        for _ in range(4):
            stack.enter_context(connected(small)).sendall(head + b" " * 1_100)

        refused = wait_for(lambda: _status(small, annotation(1, prelabel="x" * 900)) == 503, seconds=20, what="full")
        stack.close()

        assert refused
        assert wait_for(lambda: _status(small, annotation(1)) == 200, seconds=90, what="room again")


def _status(gateway: Gateway, sent: object) -> int:
    return gateway.http.post("/v1/annotations", json=sent).status_code
