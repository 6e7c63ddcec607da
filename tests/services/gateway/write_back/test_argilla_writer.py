"""Writing back to Argilla: a suggestion and metadata, the same however often, and without going round in circles."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from assay_services.gateway.reconcile.sources.source_registry import setting_of
from assay_services.gateway.settings import GatewaySettings
from assay_services.gateway.write_back.argilla_writer import ArgillaWriter, suggestion
from assay_services.gateway.write_back.writer import ItemUpdate
from tests.services.gateway.fakes.argilla import QUESTIONS, FakeArgilla, FakeSharedRecords
from tests.services.gateway.reconcile_pass import Shop, a_shop

CONSENSUS = {"label": "scam", "probability": 0.93, "status": "accepted", "votes": 3}


@pytest.fixture
def shop(offline: GatewaySettings) -> Iterator[Shop]:
    with a_shop(FakeArgilla(), offline) as found:
        found.connect()
        yield found


def write(shop: Shop, item: str, news: ItemUpdate) -> bool:
    async def written() -> bool:
        async with ArgillaWriter(setting_of(shop.connection, shop.connections)) as writer:
            return await writer.write(item, news)

    return asyncio.run(written())


def record(shop: Shop, name: str = "rec-0") -> dict[str, Any]:
    assert isinstance(shop.fake, FakeArgilla)
    return shop.fake.records[name]


def test_the_consensus_becomes_a_suggestion_and_the_rest_metadata(shop: Shop) -> None:
    found = write(shop, "rec-0", ItemUpdate(CONSENSUS, [{"rule": "too-fast", "annotation": "1"}], wants_vote=True))

    assert found
    assert record(shop)["suggestions"] == [
        {"question_id": "q-1", "value": "scam", "type": "model", "agent": "assay", "score": 0.93}
    ]
    assert record(shop)["metadata"] == {
        "market": "BR",
        "assay_label": "scam",
        "assay_probability": 0.93,
        "assay_status": "accepted",
        "assay_votes": 3,
        "assay_findings": ["too-fast"],
        "assay_wants_vote": True,
    }


def test_writing_the_same_again_asks_nothing_of_argilla(shop: Shop) -> None:
    write(shop, "rec-0", ItemUpdate(CONSENSUS))
    shop.fake.asked.clear()

    write(shop, "rec-0", ItemUpdate(CONSENSUS))

    assert not any(one.startswith(("PUT", "PATCH")) for one in shop.fake.asked)


def test_our_own_writes_bring_nothing_new(shop: Shop) -> None:
    shop.fake.say(0, 0, 1)
    shop.look()
    shop.fake.deliveries.clear()
    said = list(shop.topic.said)

    write(shop, "rec-0", ItemUpdate(CONSENSUS))
    for one in shop.fake.deliveries:
        assert shop.deliver(one).status == 200
    shop.look(2)

    assert len(shop.fake.deliveries) == 2
    assert shop.topic.said == said
    assert said[0].item.attributes == {"external_id": "T-0", "market": "BR"}


def test_an_item_that_is_not_there_is_not_written_to(shop: Shop) -> None:
    assert not write(shop, "rec-999", ItemUpdate(CONSENSUS))
    assert not write(shop, "../users", ItemUpdate(CONSENSUS))


def test_an_item_with_an_id_of_its_own_is_found_by_it(offline: GatewaySettings) -> None:
    with a_shop(FakeSharedRecords(), offline) as shop:
        shop.connect()

        assert write(shop, "T-1", ItemUpdate(CONSENSUS))
        assert record(shop, "rec-2")["metadata"]["assay_label"] == "scam"
        assert not write(shop, "T-9", ItemUpdate(CONSENSUS))


@pytest.mark.parametrize(
    ("kind", "label", "fits"),
    [
        ("label_selection", "scam", True),
        ("label_selection", 3, False),
        ("rating", 3, True),
        ("rating", True, False),
        ("multi_label_selection", ["a"], True),
        ("ranking", ["a"], False),
    ],
)
def test_only_what_fits_the_question_is_suggested(kind: str, label: object, fits: bool) -> None:  # noqa: FBT001
    question = {"id": "q", "name": "main", "settings": {"type": kind}}

    found = suggestion([question], (), ItemUpdate({**CONSENSUS, "label": label}))

    assert (found is not None) == fits


def test_the_question_that_was_named_is_suggested_for() -> None:
    found = suggestion(QUESTIONS, ("note",), ItemUpdate(CONSENSUS))

    assert found is not None
    assert found["question_id"] == "q-2"
    assert suggestion(QUESTIONS, (), ItemUpdate()) is None
