"""Find free ports on loopback, and the addresses of the services' health pages."""

import socket
from collections.abc import Mapping

import orjson

_EVERYWHERE = {"0.0.0.0", "::", ""}  # a service that listens on all addresses is reached on loopback


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def health_addresses(ports: Mapping[str, int], *, host: str, gateway_port: int) -> str:
    """Return ASSAY_CONSOLE_SERVICES: the addresses of the services' health pages. The gateway has its own port.

    The console is left out: anyone who sees its page knows that it is up.
    """
    there = "127.0.0.1" if host in _EVERYWHERE else host
    workers = {name: f"http://{there}:{port}" for name, port in ports.items() if name not in {"gateway", "console"}}
    return orjson.dumps({**workers, "gateway": f"http://127.0.0.1:{gateway_port}"}).decode()
