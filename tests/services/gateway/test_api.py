"""The gateway over HTTP, as a process with a real Kafka."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import httpx
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assay_services.devtools.local_broker import LocalBroker
from assay_services.gateway.settings import GatewaySettings
from tests.services.gateway.gateway_process import Gateway, a_gateway, annotation, signed

NDJSON = {"Content-Type": "application/x-ndjson"}
SECRET = "hook-secret"


@pytest.fixture(scope="module")
def gateway(kafka: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    settings = GatewaySettings(folder=folder, kafka=kafka.address, prefix="api.", partitions=2, _env_file=None)
    with a_gateway(settings, largest_body_bytes=100_000, largest_stream_bytes=400_000, rate_per_second=500) as found:
        found.wait_until("up")
        found.connect("label-studio", "label-studio", SECRET)
        found.connect("cvat", "cvat", SECRET)
        yield found


def test_one_annotation_is_accepted_and_lies_on_the_topic(gateway: Gateway) -> None:
    answer = gateway.http.post("/v1/annotations", json=annotation(1))

    assert answer.status_code == 200
    assert answer.json()["records"] == [{"place": 0, "outcome": "accepted", "id": "an-1"}]
    assert gateway.on_the_topic()["an-1"] == 1


def test_each_member_of_an_array_has_its_own_outcome(gateway: Gateway) -> None:
    answer = gateway.http.post("/v1/annotations", json=[annotation(2), {"label": "safe"}, annotation(3)])

    said = answer.json()
    assert (answer.status_code, said["accepted"], said["rejected"]) == (200, 2, 1)
    assert said["records"][1]["field"] == "id" or "Field required" in said["records"][1]["reason"]
    assert {"an-2", "an-3"} <= gateway.on_the_topic().keys()


def test_lines_are_taken_as_they_come_and_named_by_their_place(gateway: Gateway) -> None:
    lines = [orjson.dumps(annotation(number)) for number in range(100, 900)]
    body = b"\n".join([lines[0], b"", b"{broken", *lines[1:]])

    answer = gateway.http.post("/v1/annotations", content=iter([body[:777], body[777:]]), headers=NDJSON)

    said = answer.json()
    assert (said["accepted"], said["rejected"]) == (800, 1)
    assert [one["place"] for one in said["records"] if one["outcome"] == "rejected"] == [2]
    assert said["records"][-1]["place"] == 801
    assert {f"an-{number}" for number in range(100, 900)} <= gateway.on_the_topic().keys()


def test_a_body_in_which_nothing_is_an_annotation_is_refused_with_reasons(gateway: Gateway) -> None:
    answer = gateway.http.post("/v1/annotations", json={"label": "safe"})

    assert answer.status_code == 422
    assert "Field required" in answer.json()["records"][0]["reason"]


@pytest.mark.parametrize(
    ("content", "headers", "status", "said"),
    [
        (b"{", {"Content-Type": "application/json"}, 400, "no JSON"),
        (b"{}", {"Content-Type": "text/csv"}, 415, "text/csv"),
        (b"{}", {}, 415, "application/json"),
        (b"x" * 100_001, {"Content-Type": "application/json"}, 413, "100,000 bytes"),
        (b"x" * 400_001, NDJSON, 413, "400,000 bytes"),
        (b"x" * 100_001, NDJSON, 413, "a line has more"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    gateway: Gateway, content: bytes, headers: dict[str, str], status: int, said: str
) -> None:
    answer = gateway.http.post("/v1/annotations", content=content, headers=headers)

    assert answer.status_code == status
    assert said in answer.json()["error"]


def test_a_stream_that_grows_too_large_is_refused_though_it_did_not_say_so(gateway: Gateway) -> None:
    answer = gateway.http.post(
        "/v1/annotations", content=iter([b"x" * 60_000] * 3), headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 413


def test_nobody_gets_in_without_a_key(gateway: Gateway) -> None:
    for method, path in (("POST", "/v1/annotations"), ("GET", "/v1/connections")):
        answer = gateway.stranger.request(method, path, json={})

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "assay key create" in answer.json()["error"]


def test_a_hook_is_proved_by_its_secret(gateway: Gateway) -> None:
    body = {"action": "PROJECT_UPDATED", "project": {"id": 1, "token": "never-to-be-seen"}}

    right = gateway.stranger.post("/v1/hooks/label-studio", json=body, headers={"X-Any": SECRET})
    wrong = gateway.stranger.post("/v1/hooks/label-studio", json=body, headers={"X-Any": SECRET + "x"})
    missing = gateway.stranger.post("/v1/hooks/label-studio", json=body)
    unknown = gateway.stranger.post("/v1/hooks/nobody", json=body)

    assert [one.status_code for one in (right, wrong, missing, unknown)] == [200, 401, 401, 404]
    assert "never-to-be-seen" not in gateway.process.said()
    assert SECRET not in gateway.process.said()


def test_a_signed_hook_is_taken_and_a_broken_one_is_refused_with_a_reason(gateway: Gateway) -> None:
    ping, broken = b'{"event":"ping","webhook_id":1,"sender":{"id":1}}', b'{"event":'

    answers = [
        gateway.stranger.post("/v1/hooks/cvat", content=body, headers={"X-Signature-256": signed(body, SECRET)})
        for body in (ping, broken)
    ]

    assert [one.status_code for one in answers] == [200, 422]
    assert answers[1].json()["error"]


def test_connections_are_shown_without_their_secrets(gateway: Gateway) -> None:
    answer = gateway.http.get("/v1/connections")

    assert {one["name"] for one in answer.json()} == {"label-studio", "cvat"}
    assert SECRET not in answer.text
    assert "secrets" not in answer.text


def test_too_many_requests_are_told_when_to_come_again(gateway: Gateway, tmp_path: Path) -> None:
    settings = gateway.settings.model_copy(update={"folder": tmp_path})
    with a_gateway(settings, rate_per_second=3) as slow:
        answers = [slow.http.get("/v1/connections") for _ in range(5)]

    assert [one.status_code for one in answers[:3]] == [200] * 3
    assert answers[4].status_code == 429
    assert answers[4].headers["Retry-After"] == "1"


def a_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of this machine and its key; return both files."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    here = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    signed_by_itself = made.add_extension(here, critical=False).sign(key, hashes.SHA256())
    certificate.write_bytes(signed_by_itself.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return certificate, secret


def test_with_a_certificate_it_speaks_tls_and_nothing_else(gateway: Gateway, tmp_path: Path) -> None:
    certificate, secret = a_certificate(tmp_path)
    settings = gateway.settings.model_copy(update={"folder": tmp_path})
    with a_gateway(settings, gateway_certificate_file=certificate, gateway_key_file=secret) as safe:
        safe.wait_until("up")

        answer = safe.http.post("/v1/annotations", json=annotation(7_000))

        assert answer.status_code == 200
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{safe.settings.gateway_port}/health")


def test_metrics_count_what_was_answered(gateway: Gateway) -> None:
    text = gateway.stranger.get("/metrics").text

    assert 'assay_gateway_requests_total{route="/v1/annotations",status="200"}' in text
    assert "assay_gateway_kafka_is_there 1.0" in text
