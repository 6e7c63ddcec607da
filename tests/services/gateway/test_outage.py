"""Kafka goes away, the gateway is killed: what was acknowledged is there in the end."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from assay_services.devtools.local_broker import LocalBroker
from assay_services.gateway.settings import GatewaySettings
from tests.services.gateway.gateway_process import Gateway, a_gateway, annotation


def send(gateway: Gateway, numbers: range) -> set[str]:
    """Send annotations, several at once; return the ids of those that were acknowledged."""

    def one(number: int) -> str | None:
        try:
            answer = gateway.http.post("/v1/annotations", json=annotation(number))
        except httpx.TransportError:
            return None
        return f"an-{number}" if answer.status_code == 200 else None

    with ThreadPoolExecutor(8) as senders:
        return {found for found in senders.map(one, numbers) if found is not None}


def test_what_was_acknowledged_survives_kafkas_absence_and_the_gateways_death(tmp_path: Path) -> None:
    with LocalBroker(tmp_path / "kafka") as broker:
        settings = GatewaySettings(folder=tmp_path, kafka=broker.address, partitions=2, _env_file=None)
        with a_gateway(settings) as gateway:
            gateway.wait_until("up")
            sent = send(gateway, range(200))
            broker.kill()
            sent |= send(gateway, range(200, 500))
            gateway.wait_until("away")
            with ThreadPoolExecutor(1) as sender:
                meanwhile = sender.submit(send, gateway, range(500, 900))
                gateway.process.kill()
                sent |= meanwhile.result()
            gateway.process.start()
            gateway.wait_until("away")
            sent |= send(gateway, range(900, 1_000))

            broker.start()

            gateway.wait_until("up")
            found = gateway.on_the_topic()
            assert sent <= found.keys()
            assert len(sent) >= 600
            assert sum(found.values()) - len(found) <= 100  # a few twice, none lost: their ids are the same


def test_a_full_spool_says_when_to_come_again_and_takes_more_when_kafka_is_back(tmp_path: Path) -> None:
    with LocalBroker(tmp_path / "kafka") as broker:
        settings = GatewaySettings(folder=tmp_path, kafka=broker.address, partitions=2, _env_file=None)
        broker.kill()
        with a_gateway(settings, spool_bytes=20_000) as gateway:
            answers = [gateway.http.post("/v1/annotations", json=annotation(number)) for number in range(60)]
            kept = sum(one.status_code == 200 for one in answers)

            broker.start()
            gateway.wait_until("up")

            after = gateway.http.post("/v1/annotations", json=annotation(60))
            assert {one.status_code for one in answers} == {200, 503}
            assert answers[-1].headers["Retry-After"] == "5"
            assert "spool takes no more" in answers[-1].json()["error"]
            assert after.status_code == 200
            assert len(gateway.on_the_topic()) == kept + 1
