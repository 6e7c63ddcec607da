"""What the gateway reads from its environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from assay_services.stores.control.database import ControlSettings

_MIB = 1024 * 1024


class GatewaySettings(ControlSettings):
    """Where the gateway listens, and how much it takes.

    `gateway_certificate_file` and `gateway_key_file` turn TLS on. `largest_body_bytes` is for JSON bodies and hooks,
    `largest_stream_bytes` for NDJSON, `bodies_bytes` for all that are held in memory at once. `rate_per_second` is per
    API key or connection. `poll_seconds` is how often platforms are asked what changed, `sweep_seconds` how often for
    all their ids.
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
