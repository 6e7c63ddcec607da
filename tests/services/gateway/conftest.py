"""Settings of a gateway without Kafka; with it, those of `settings`."""

from pathlib import Path

import pytest

from assay_services.devtools.ports import free_port
from assay_services.gateway.settings import GatewaySettings


@pytest.fixture
def offline(tmp_path: Path) -> GatewaySettings:
    """A gateway whose Kafka is away: nobody listens on that port."""
    return GatewaySettings(folder=tmp_path, kafka=f"127.0.0.1:{free_port()}", prefix="gateway.", _env_file=None)
