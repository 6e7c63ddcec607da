"""Settings of the console from the environment."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, SecretStr

from assay_services.stores.archive.engine import DatabaseSettings
from assay_services.stores.control.database import ControlSettings
from assay_services.stores.control.tables.accounts import Role

SERVICES: Mapping[str, str] = MappingProxyType(
    {
        "validator": "http://127.0.0.1:6066",
        "consensus": "http://127.0.0.1:6067",
        "conduct": "http://127.0.0.1:6068",
        "alerts": "http://127.0.0.1:6069",
        "archive": "http://127.0.0.1:6070",
        "gateway": "http://127.0.0.1:8484",
    }
)
"""The addresses at which `assay up` serves the health of each service."""


class ConsoleSettings(ControlSettings, DatabaseSettings):
    """Listening address, sign-in, and time limits of the console.

    `console_certificate_file` and `console_key_file` turn TLS on. `console_trusts_proxy` makes the console believe
    `X-Forwarded-Proto` and `X-Forwarded-Host`. `console_url` is the public address, used for links. `console_services`
    has the health addresses of the other services by name, as JSON. `console_audit_seconds` limits how long the ledgers
    are counted for the System page. `oidc_issuer` turns OpenID Connect on; `oidc_name` is the provider's name on the
    sign-in page, `oidc_role` the role of new users.
    """

    console_host: str = "127.0.0.1"
    console_port: Annotated[int, Field(ge=0, le=65_535)] = 8485
    console_url: str | None = None
    console_certificate_file: Path | None = None
    console_key_file: Path | None = None
    console_trusts_proxy: bool = False

    console_session_hours: Annotated[float, Field(gt=0)] = 12
    console_link_minutes: Annotated[float, Field(gt=0)] = 60
    console_query_seconds: Annotated[float, Field(gt=0)] = 10
    console_rate_per_second: Annotated[float, Field(gt=0)] = 50
    console_services: dict[str, str] = Field(default_factory=lambda: dict(SERVICES))
    console_audit_seconds: Annotated[float, Field(gt=0)] = 20

    oidc_issuer: str | None = None
    oidc_client: str | None = None
    oidc_secret: SecretStr | None = None
    oidc_role: Role = Role.VIEWER
    oidc_name: str = "single sign-on"

    @property
    def is_served_over_tls(self) -> bool:
        """Return whether browsers reach the console by https."""
        return self.console_certificate_file is not None or (self.console_url or "").startswith("https:")

    @property
    def address(self) -> str:
        """Return the public address."""
        scheme = "https" if self.console_certificate_file is not None else "http"
        return (self.console_url or f"{scheme}://{self.console_host}:{self.console_port}").rstrip("/")
