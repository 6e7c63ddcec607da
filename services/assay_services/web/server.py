"""HTTP servers: one as a process of its own, and one inside a worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI
from mode import Service

from assay_services.engine.logs import get_logger


class Listener(NamedTuple):
    """Where a server listens, and the files of its TLS certificate and key (None: plain HTTP)."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


def run_server(api: FastAPI, listener: Listener, *, shutdown_seconds: int, trusts_proxy: bool) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in flight then have `shutdown_seconds` to end."""
    uvicorn.run(
        api,
        host=listener.host,
        port=listener.port,
        ssl_certfile=None if listener.certificate is None else str(listener.certificate),
        ssl_keyfile=None if listener.key is None else str(listener.key),
        proxy_headers=trusts_proxy,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=shutdown_seconds,
    )


class _WorkerServer(uvicorn.Server):
    """A server that leaves signal handling to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


class HttpServer(Service):
    """Serve HTTP while the worker runs."""

    def __init__(self, api: FastAPI, listener: Listener, *, service: str) -> None:
        """`service` names the worker in the log."""
        super().__init__()
        config = uvicorn.Config(
            api,
            host=listener.host,
            port=listener.port,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        self._server = _WorkerServer(config)
        self._address = f"{listener.host}:{listener.port}"
        self._log = get_logger(service)

    @Service.task
    async def _serve(self) -> None:
        self._log.info("http_starts", at=self._address)
        try:
            await self._server.serve()
        except SystemExit as error:  # raised by uvicorn if it cannot listen
            await self.crash(OSError(f"cannot listen at {self._address} ({error})"))

    async def on_stop(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
