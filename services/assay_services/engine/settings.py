"""Settings of every process: environment variables `ASSAY_*`, or a file `.env`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class RuntimeSettings(BaseSettings):
    """Kafka's address and credentials, the topics' layout, and the folders for files.

    `kafka` None means the local broker, whose address `assay broker` writes to `folder`.
    """

    model_config = SettingsConfigDict(env_prefix="ASSAY_", env_file=".env", extra="ignore", frozen=True)

    kafka: str | None = None
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    kafka_certificate_file: Path | None = None
    kafka_key_file: Path | None = None

    prefix: str = ""
    partitions: Annotated[int, Field(ge=1, le=1_000)] = 4
    replication: Annotated[int, Field(ge=1)] = 1
    retention_hours: Annotated[float, Field(gt=0)] = 24 * 7

    folder: Path = Path(".assay")
    models: Path = Path("models")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    web_host: str = "127.0.0.1"
    web_port: Annotated[int, Field(ge=0, le=65_535)] = 6066

    session_timeout_seconds: Annotated[float, Field(gt=0)] = 10
    largest_batch: Annotated[int, Field(ge=1)] = 2_000
    patience_seconds: Annotated[float, Field(gt=0)] = 600
