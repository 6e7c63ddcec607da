"""Logs: events with fields, readable on a terminal, JSON elsewhere."""

import logging
import sys
import time
from collections.abc import Callable

import structlog

_QUIET_SECONDS = 30.0


class RateLimitedLog(logging.Filter):
    """Pass each message of a library at most once in 30 s: without Kafka, aiokafka logs a hundred lines a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Measure time with `clock` (seconds, monotonic)."""
        super().__init__()
        self._clock = clock
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log the record."""
        if record.name.startswith("assay"):
            return True
        about, now = f"{record.name}:{record.msg}", self._clock()
        if now - self._said.get(about, -_QUIET_SECONDS) < _QUIET_SECONDS:
            return False
        self._said[about] = now
        return True


def configure_logs(*, level: str) -> None:
    """Send structlog and the libraries' logs to standard error, one event per line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RateLimitedLog())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                last,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("assay").setLevel(level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of one part of Assay, e.g. `lane`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"assay.{name}")
    return logger
