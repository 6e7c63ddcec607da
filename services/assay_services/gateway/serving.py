"""The HTTP server under the gateway."""

import resource

import uvicorn

from assay_services.engine.logs import configure_logs, get_logger
from assay_services.gateway.app import build_app
from assay_services.gateway.settings import GatewaySettings


def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    configure_logs(level=settings.log_level)
    _allow_many_connections()
    get_logger("gateway").info("gateway_starts", host=settings.gateway_host, port=settings.gateway_port)
    certificate, key = settings.gateway_certificate_file, settings.gateway_key_file
    uvicorn.run(
        build_app(settings),
        host=settings.gateway_host,
        port=settings.gateway_port,
        ssl_certfile=None if certificate is None else str(certificate),
        ssl_keyfile=None if key is None else str(key),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
    )


def _allow_many_connections() -> None:
    """Take as many files as the system lets us: a connection that only waits costs one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
