"""The HTTP server under the console."""

from datetime import UTC, datetime, timedelta

import uvicorn

from assay_services.console.app import build_app
from assay_services.console.auth.sessions import Sessions
from assay_services.console.settings import ConsoleSettings
from assay_services.engine.logs import configure_logs, get_logger
from assay_services.stores.control.database import open_control


def serve(settings: ConsoleSettings) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    configure_logs(level=settings.log_level)
    log = get_logger("console")
    log.info("console_starts", address=settings.address)
    link = first_link(settings)
    if link is not None:
        log.info("console_first_admin", link=link, minutes=settings.console_link_minutes)
    certificate, key = settings.console_certificate_file, settings.console_key_file
    uvicorn.run(
        build_app(settings),
        host=settings.console_host,
        port=settings.console_port,
        ssl_certfile=None if certificate is None else str(certificate),
        ssl_keyfile=None if key is None else str(key),
        proxy_headers=settings.console_trusts_proxy,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )


def first_link(settings: ConsoleSettings) -> str | None:
    """Return a one-time link to become the first admin; None where there is one."""
    control = open_control(settings)
    hours = timedelta(hours=settings.console_session_hours)
    token = Sessions(control, lasting=hours).first_link(
        now=datetime.now(UTC), lasting=timedelta(minutes=settings.console_link_minutes)
    )
    control.dispose()
    return None if token is None else f"{settings.address}/welcome?token={token}"
