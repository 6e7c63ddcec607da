"""The HTTP server, as one of the things that the worker carries."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from mode import Service

from assay_services.alerts.settings import AlertsSettings
from assay_services.engine.logs import get_logger

log = get_logger("alerts")


class _Server(uvicorn.Server):
    """A server that leaves signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class HttpServer(Service):
    """Serve the HTTP interface while the worker runs."""

    def __init__(self, settings: AlertsSettings, api: FastAPI) -> None:
        """Take the settings and the interface."""
        super().__init__()
        config = uvicorn.Config(
            api, host=settings.alerts_host, port=settings.alerts_port, log_config=None, access_log=False,
            server_header=False, lifespan="off", timeout_graceful_shutdown=2,
        )  # fmt: skip
        self._server = _Server(config)
        self._where = f"{settings.alerts_host}:{settings.alerts_port}"

    @Service.task
    async def _serve(self) -> None:
        log.info("http_starts", at=self._where)
        try:
            await self._server.serve()
        except SystemExit as error:  # what uvicorn does where it cannot listen
            await self.crash(OSError(f"nothing can listen at {self._where} ({error})"))

    async def on_stop(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
