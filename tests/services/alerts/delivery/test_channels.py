"""Sending: signed as the standard says, only to where it may go, and what an answer means."""

import asyncio
import base64
import hashlib
import hmac
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from assay_services.alerts.delivery.channels import ChannelSender, Delivered, DeliveryOutcome, Failed, judged, signed
from assay_services.alerts.delivery.ssrf_guard import AddressRefused, destination, may_be_called
from assay_services.alerts.settings import AlertsSettings
from assay_services.stores.control.subscription_store import SubscriberAddress, new_secret
from assay_services.stores.control.tables.alert_delivery import Channel
from tests.services.alerts.receivers import Answer, Receiver, receiving

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BODY: dict[str, Any] = {"type": "test", "timestamp": "t", "data": {"text": "hello"}}
LOOPBACK = ip_network("127.0.0.0/8")


def sent(
    url: str, *, channel: Channel = Channel.WEBHOOK, allow: str = "127.0.0.0/8", secret: str = ""
) -> DeliveryOutcome:
    settings = AlertsSettings(alerts_allow=allow, alerts_send_seconds=1, _env_file=None)

    async def work() -> DeliveryOutcome:
        sender = ChannelSender(settings, None)
        try:
            return await sender.send(channel, SubscriberAddress(url, secret or new_secret()), "msg_1", BODY)
        finally:
            await sender.close()

    return asyncio.run(work())


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    # The worked example of the Standard Webhooks specification's reference libraries.
    secret, raw = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'

    headers = signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", raw, at=1_614_265_330)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_comes_signed_to_the_right_host() -> None:
    secret = new_secret()
    with receiving() as receiver:
        found = sent(receiver.url.replace("127.0.0.1", "localhost"), secret=secret)
        headers, raw = receiver.taken[0]

    made = hmac.new(
        base64.b64decode(secret.removeprefix("whsec_")),
        f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + raw,
        hashlib.sha256,
    ).digest()
    assert found == Delivered()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(made).decode()
    assert headers["host"] == f"localhost:{receiver.port}"


def test_slack_gets_text() -> None:
    with receiving() as receiver:
        assert sent(receiver.url, channel=Channel.SLACK) == Delivered()

        assert receiver.bodies_of_slack() == ["*Assay: a test*\nhello"]


def test_a_redirect_is_not_followed_and_what_is_private_is_not_called() -> None:
    with receiving() as private, receiving(lambda _: moved_to(private)) as moving:
        redirected, refused = sent(moving.url), sent(private.url, allow="")

        assert private.came == []
    assert redirected == Failed("answered 302 (redirects are not followed)")
    assert isinstance(refused, Failed)
    assert "not public" in refused.reason
    assert "token" not in refused.reason


def moved_to(receiver: Receiver) -> Answer:
    return 302, {"Location": receiver.url}


def test_who_does_not_answer_in_time_makes_the_others_of_this_subscriber_wait() -> None:
    with receiving(pause_seconds=3) as slow:
        found = sent(slow.url)

    assert isinstance(found, Failed)
    assert found.all_wait


def test_what_apprise_does_not_know_and_a_kafka_that_is_not_there_are_failures() -> None:
    assert sent("nothing-of-the-kind://x", channel=Channel.APPRISE) == Failed("no service that Apprise knows")
    assert sent("topic", channel=Channel.KAFKA) == Failed("there is no Kafka", all_wait=True)


def test_a_service_of_apprise_is_told() -> None:
    with receiving(lambda _: (200, {})) as receiver:
        found = sent(f"json://127.0.0.1:{receiver.port}/x", channel=Channel.APPRISE)

        assert found == Delivered()
        assert receiver.bodies[0]["title"] == "Assay: a test"


@pytest.mark.parametrize(
    ("status", "retry_after", "expected"),
    [
        (200, None, Delivered()),
        (204, None, Delivered()),
        (410, None, Failed("answered 410: nobody is there any more", gone=True)),
        (429, "7", Failed("answered 429", retry_after=7, all_wait=True)),
        (503, "Tue, 24 Nov 2026 12:01:00 GMT", Failed("answered 503", retry_after=60, all_wait=True)),
        (503, "tomorrow", Failed("answered 503", all_wait=True)),
        (429, "9999999", Failed("answered 429", retry_after=3_600, all_wait=True)),
        (500, None, Failed("answered 500", all_wait=True)),
        (400, None, Failed("answered 400")),
    ],
)
def test_an_answer_says_whether_it_was_taken_and_when_to_come_again(
    status: int, retry_after: str | None, expected: DeliveryOutcome
) -> None:
    assert judged(status, retry_after, now=NOW) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True), ("127.0.0.1", False), ("10.0.0.1", False), ("169.254.169.254", False), ("0.0.0.0", False),
        ("::1", False), ("fd00::1", False), ("::ffff:10.0.0.1", False), ("224.0.0.1", False), ("100.64.0.1", False),
        ("2606:4700::1111", True), ("64:ff9b::a00:1", False), ("64:ff9b::808:808", True), ("2002:a00:1::", False),
        ("2002:7f00:1::1", False), ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
    ],
)  # fmt: skip
def test_only_what_is_public_is_called(address: str, *, expected: bool) -> None:
    assert may_be_called(ip_address(address), ()) is expected


def test_networks_can_be_allowed() -> None:
    assert may_be_called(ip_address("127.0.0.1"), (LOOPBACK,))
    assert may_be_called(ip_address("::ffff:127.0.0.1"), (LOOPBACK,))
    assert not may_be_called(ip_address("10.0.0.1"), (LOOPBACK,))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///x", "file:///etc/passwd"])
def test_only_http_is_spoken(url: str) -> None:
    with pytest.raises(AddressRefused):
        asyncio.run(destination(url, allowed=(LOOPBACK,)))
