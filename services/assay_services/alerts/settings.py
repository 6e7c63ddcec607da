"""Settings of the alerts service."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import Field, field_validator

from assay_services.stores.control.database import ControlSettings

Network = IPv4Network | IPv6Network


class AlertsSettings(ControlSettings):
    """Where the alerts service listens, and how it delivers.

    `alerts_allow`: networks that webhooks may be sent to although they are not public, separated by commas
    (`10.1.0.0/16,127.0.0.0/8`). `alerts_group_seconds`: how long alerts of one rule are collected for one message.
    `alerts_retry_seconds`: the first delay after a failure; it doubles up to an hour, plus random jitter of up to the
    same length.
    """

    alerts_host: str = "127.0.0.1"
    alerts_port: Annotated[int, Field(ge=0, le=65_535)] = 8486
    alerts_allow: str = ""
    alerts_group_seconds: Annotated[float, Field(ge=0)] = 2
    alerts_send_seconds: Annotated[float, Field(gt=0)] = 10
    alerts_retry_seconds: Annotated[float, Field(gt=0)] = 5
    alerts_retry_hours: Annotated[float, Field(gt=0)] = 24
    alerts_rate_per_second: Annotated[float, Field(gt=0)] = 50
    alerts_streams: Annotated[int, Field(ge=1)] = 50

    @field_validator("alerts_allow")
    @classmethod
    def _networks(cls, value: str) -> str:
        for one in filter(None, map(str.strip, value.split(","))):
            ip_network(one)
        return value

    @property
    def allowed_networks(self) -> tuple[Network, ...]:
        """Return the networks that webhooks may be sent to although they are not public."""
        return tuple(ip_network(one) for one in filter(None, map(str.strip, self.alerts_allow.split(","))))
