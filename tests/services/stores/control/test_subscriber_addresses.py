"""Addresses are checked when they are given, and the message says what is wanted."""

import pytest

from assay_schemas.topics import TOPICS
from assay_services.stores.control.subscriber_addresses import address_problem
from assay_services.stores.control.tables.alert_delivery import Channel


@pytest.mark.parametrize(
    ("channel", "address", "why"),
    [
        (Channel.EMAIL, "amy@example.com", "write it as mailto://USER:PASSWORD@SERVER?to=amy@example.com"),
        (Channel.EMAIL, "example.com", "an e-mail address is written as mailto://"),
        (Channel.EMAIL, "json://example.com", "an e-mail address is written as mailto://"),
        (Channel.APPRISE, "nosuch://x", "Apprise knows no service for 'nosuch://…'"),
        (Channel.APPRISE, "no address", "its form is SERVICE://…"),
        (Channel.KAFKA, "bad/topic", "'bad/topic' cannot be a topic's name"),
        (Channel.KAFKA, "", "cannot be a topic's name"),
        (Channel.KAFKA, "..", "cannot be a topic's name"),
        (Channel.KAFKA, "t.alerts", "one of Assay's own topics"),
        (Channel.KAFKA, "t.consensus.state", "one of Assay's own topics"),
        (Channel.KAFKA, "__consumer_offsets", "an internal topic of Kafka"),
        (Channel.WEBHOOK, "example.com/hook", "a URL like https://host/path"),
        (Channel.WEBHOOK, "https://user:pw@example.com", "without a user in it"),
        (Channel.SLACK, "https://example.com:port", "a URL like https://host/path"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(channel: Channel, address: str, why: str) -> None:
    assert why in str(address_problem(channel, address, prefix="t."))


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        (Channel.EMAIL, "mailto://amy:secret@example.com"),
        (Channel.APPRISE, "json://example.com/hook"),
        (Channel.KAFKA, "alerts-for-us"),
        (Channel.KAFKA, "alerts"),
        (Channel.WEBHOOK, "https://example.com/hook"),
    ],
)
def test_one_that_can_be_used_is_taken(channel: Channel, address: str) -> None:
    assert address_problem(channel, address, prefix="t.") is None


@pytest.mark.parametrize("topic", [one.name for one in TOPICS])
def test_no_topic_of_ours_is_written_to(topic: str) -> None:
    assert address_problem(Channel.KAFKA, topic, prefix="") is not None
