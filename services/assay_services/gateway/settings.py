"""Settings of the gateway."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from assay_services.stores.control.database import ControlSettings

_MIB = 1024 * 1024


class GatewaySettings(ControlSettings):
    """Where the gateway listens, and its limits.

    `gateway_certificate_file` and `gateway_key_file` turn TLS on. `largest_body_bytes` limits JSON bodies and webhooks,
    `largest_stream_bytes` NDJSON, `bodies_bytes` all bodies in memory at once. `rate_per_second` is per API key or
    connection. `poll_seconds` is how often platforms are asked for changes, `sweep_seconds` how often for all their
    ids.
    """

    gateway_host: str = "127.0.0.1"
    gateway_port: Annotated[int, Field(ge=0, le=65_535)] = 8484
    gateway_certificate_file: Path | None = None
    gateway_key_file: Path | None = None

    largest_body_bytes: Annotated[int, Field(ge=1_024)] = 8 * _MIB
    largest_stream_bytes: Annotated[int, Field(ge=1_024)] = 256 * _MIB
    bodies_bytes: Annotated[int, Field(ge=1_024)] = 256 * _MIB
    body_seconds: Annotated[float, Field(gt=0)] = 30
    rate_per_second: Annotated[float, Field(gt=0)] = 2_000
    requests_at_once: Annotated[int, Field(ge=1)] = 500
    spool_bytes: Annotated[int, Field(ge=1_024)] = 1_024 * _MIB

    poll_seconds: Annotated[float, Field(gt=0)] = 10
    sweep_seconds: Annotated[float, Field(gt=0)] = 60
