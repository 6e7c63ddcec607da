"""Whatever follows the OpenAPI document, and whatever does not: nothing is answered with an error of ours."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from assay_services.devtools.local_broker import LocalBroker
from assay_services.gateway.settings import GatewaySettings
from tests.services.gateway.gateway_process import Gateway, a_gateway


@pytest.fixture(scope="module")
def gateway(kafka: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway-openapi")
    settings = GatewaySettings(folder=folder, kafka=kafka.address, prefix="openapi.", partitions=2, _env_file=None)
    with a_gateway(settings, rate_per_second=100_000) as found:
        found.wait_until("up")
        found.connect("ls", "label-studio", "secret")
        yield found


def test_no_request_is_answered_with_an_error_of_ours(gateway: Gateway) -> None:
    document = schemathesis.openapi.from_url(f"{gateway.http.base_url}/openapi.json")
    key = {"Authorization": gateway.http.headers["Authorization"]}
    operations: list[Any] = [found.ok() for found in map(_any, document.get_all_operations())]

    for operation in operations:

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:  # noqa: ANN401  # its own type differs between versions
            answer = case.call(headers=key)

            assert answer.status_code < 500, f"{case.method} {case.path}: {answer.text}"

        ask()
    assert len(operations) == 6


def _any(found: Any) -> Any:  # noqa: ANN401  # a result that may be an error, which `ok` then raises
    return found
