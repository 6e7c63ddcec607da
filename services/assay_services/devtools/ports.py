"""Ports of loopback that nothing listens on, and where services that were given ports answer for their health."""

import socket
from collections.abc import Mapping

import orjson

_EVERYWHERE = {"0.0.0.0", "::", ""}  # a service that listens on all addresses is asked on loopback


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def health_addresses(ports: Mapping[str, int], *, host: str, gateway_port: int) -> str:
    """Return ASSAY_CONSOLE_SERVICES: where the console finds each service's health. The gateway has a port of its own.

    The console is not among them: whoever sees its page knows that it is up.
    """
    there = "127.0.0.1" if host in _EVERYWHERE else host
    workers = {name: f"http://{there}:{port}" for name, port in ports.items() if name not in {"gateway", "console"}}
    return orjson.dumps({**workers, "gateway": f"http://127.0.0.1:{gateway_port}"}).decode()
