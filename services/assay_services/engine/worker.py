"""The process that every service runs in: a Faust app with health pages and the service's own tasks."""

import sys
from collections.abc import Callable, Iterable, Sequence

import prometheus_client

from assay_services.engine import metrics
from assay_services.engine.garbage import tame_garbage_collector
from assay_services.engine.kafka import kafka_address
from assay_services.engine.logs import configure_logs
from assay_services.engine.settings import RuntimeSettings

_argv, sys.argv = sys.argv, sys.argv[:1]
import faust  # noqa: E402  # it reads sys.argv when imported
from faust import web  # noqa: E402
from faust.app.base import BootStrategy  # noqa: E402
from mode import Service, ServiceT  # noqa: E402

sys.argv = _argv


class NoFaustConsumer(BootStrategy):
    """Start sensors and web pages but no Faust consumer: the lane reads Kafka.

    Faust's consumer would have nothing to read, yet it would join a consumer group of its own. A worker that replaced a
    killed one then waited 66 s for the dead member's session to time out.
    """

    def server(self) -> Iterable[ServiceT]:
        """Return the services that start with the app."""
        return self._chain(self.sensors(), self.web_server())


class Worker(faust.App):
    """A Faust app without a Faust consumer."""

    BootStrategy = NoFaustConsumer


def build_worker(
    name: str,
    settings: RuntimeSettings,
    *,
    carries: Callable[[], Sequence[ServiceT]],
    ready: Callable[[], bool],
) -> faust.App:
    """Build the Faust app of one worker: the pages `/health`, `/ready` and `/metrics`, and its services.

    `carries` builds the services when the app starts. `ready` decides whether `/ready` answers 200 or 503.
    """
    app = Worker(
        f"{settings.prefix}assay-{name}",
        broker=[f"kafka://{address}" for address in kafka_address(settings).split(",")],
        datadir=settings.folder / "faust",
        store="memory://",
        web_bind=settings.web_host,
        web_host=settings.web_host,
        web_port=settings.web_port,
        web_in_thread=False,
        stream_wait_empty=False,
        debug=False,
    )

    @app.page("/health")
    async def health(self: web.View, request: web.Request) -> web.Response:  # noqa: ARG001
        return self.json({"service": name, "status": "up"})

    @app.page("/ready")
    async def readiness(self: web.View, request: web.Request) -> web.Response:  # noqa: ARG001
        is_ready = ready()
        return self.json({"service": name, "ready": is_ready}, status=200 if is_ready else 503)

    @app.page("/metrics")
    async def scrape(self: web.View, request: web.Request) -> web.Response:  # noqa: ARG001
        text = prometheus_client.generate_latest(metrics.REGISTRY)
        return self.bytes(text, content_type="text/plain")

    @app.service
    class Carried(Service):
        """The services of this worker, started as dependencies."""

        def on_init_dependencies(self) -> list[ServiceT]:
            return list(carries())

    return app


def run_worker(app: faust.App, settings: RuntimeSettings) -> None:
    """Run a worker until SIGTERM or Ctrl-C; exit with code 1 if one of its services crashes."""
    configure_logs(level=settings.log_level)
    tame_garbage_collector()
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (settings.folder / "faust").mkdir(exist_ok=True)
    worker = faust.Worker(app, loglevel="WARN", override_logging=False, redirect_stdouts=False, quiet=True)
    worker.execute_from_commandline()
