"""The same battery for every platform with an API: whatever webhooks lose, in the end all is as the platform has it."""

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from assay_schemas.annotation import Action, Annotation
from assay_services.gateway.core.decode_result import FetchTarget
from assay_services.gateway.published_index import PublishedIndex
from assay_services.gateway.reconcile.sources.http_client import PlatformError
from assay_services.gateway.reconcile.sources.source_registry import SOURCES, everything_on, source_of
from assay_services.gateway.settings import GatewaySettings
from tests.services.gateway.fakes.argilla import FakeArgilla, FakeSharedRecords
from tests.services.gateway.fakes.cvat import FakeCvat
from tests.services.gateway.fakes.doccano import FakeDoccano
from tests.services.gateway.fakes.label_studio import FakeLabelStudio, FakeSharedItems
from tests.services.gateway.fakes.platform import TOKEN, Fake
from tests.services.gateway.fakes.toloka import FakeToloka
from tests.services.gateway.reconcile_pass import ProcessEndedError, Shop, a_shop

FAKES: dict[str, Callable[..., Fake]] = {
    "label-studio": FakeLabelStudio,
    "label-studio, two tasks an item": FakeSharedItems,
    "cvat": FakeCvat,
    "toloka": FakeToloka,
    "argilla": FakeArgilla,
    "argilla, two records an item": FakeSharedRecords,
    "doccano": FakeDoccano,
}


@pytest.fixture(params=sorted(FAKES))
def shop(request: pytest.FixtureRequest, offline: GatewaySettings) -> Iterator[Shop]:
    with a_shop(FAKES[request.param](), offline) as found:
        found.connect()
        yield found


def test_every_source_has_its_fake() -> None:
    assert {name.partition(",")[0] for name in FAKES} == SOURCES.keys()


def test_what_was_there_before_comes_in_whole_and_once(shop: Shop) -> None:
    for who in range(shop.fake.people):
        for item in range(shop.fake.items):
            shop.fake.say(who, item, (who + item) % 2)

    shop.look(3)

    assert shop.fake.live()
    assert shop.topic.live() == shop.fake.live()
    assert shop.topic.doubled() == []
    assert len(shop.topic.said) == shop.fake.people * shop.fake.items


def test_an_edit_a_deletion_and_a_skip_arrive_without_any_webhook(shop: Shop) -> None:
    for who in range(3):
        shop.fake.say(who, 0, 0)
    shop.look()

    shop.fake.say(0, 0, 1)
    shop.fake.take_back(1, 0)
    shop.fake.skip(2, 0)
    shop.look(2)

    assert shop.topic.live() == shop.fake.live()
    assert any(one.action is Action.DELETED for one in shop.topic.said)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lost", [0.5, 1.0])
def test_all_is_as_the_platform_has_it_though_webhooks_are_lost_doubled_and_late(
    shop: Shop, seed: int, lost: float
) -> None:
    rng = random.Random(seed)

    for _ in range(12):
        for _ in range(rng.randrange(1, 8)):
            shop.fake.work(rng)
        shop.deliver_some(rng, lost=lost)
        if rng.random() < 0.4:
            shop.look()
    shop.deliver_some(rng, lost=0)
    shop.look(4)

    assert shop.topic.live() == shop.fake.live()
    said = len(shop.topic.said)
    shop.look(2)
    assert len(shop.topic.said) == said


@pytest.mark.parametrize("seed", range(3))
def test_a_process_that_ends_right_after_publishing_loses_nothing_and_makes_nothing_up(shop: Shop, seed: int) -> None:
    rng = random.Random(seed)

    for _ in range(8):
        for _ in range(rng.randrange(1, 6)):
            shop.fake.work(rng)
        shop.topic.ends_after = rng.randrange(3)
        try:
            shop.look()
        except ProcessEndedError:
            shop.fake.work(rng)  # meanwhile the platform goes on
        shop.restart()
    shop.look(4)

    assert shop.topic.live() == shop.fake.live()


def test_a_thing_that_is_gone_takes_its_annotations_along_at_the_second_look(shop: Shop) -> None:
    for who in range(2):
        shop.fake.say(who, 0, 0)
    shop.look()
    before = shop.topic.live()
    shop.fake.lose()

    shop.look()
    after_one = shop.topic.live()
    shop.look()

    assert after_one == before
    assert shop.topic.live() == shop.fake.live() != before


def test_a_project_that_is_gone_takes_nothing_along(shop: Shop) -> None:
    shop.fake.say(0, 0, 0)
    shop.look()
    before = shop.topic.live()
    shop.connections.note("shop", platform_project="999")

    for _ in range(3):
        with pytest.raises(PlatformError, match="404"):
            shop.look()

    assert shop.topic.live() == before


def test_a_wrong_token_says_what_to_do_and_shows_nothing(shop: Shop) -> None:
    secrets = shop.connections.secrets_of(shop.connection)
    shop.connections.set_secrets("shop", type(secrets)(secrets.hooks, "another-token-nobody-may-see"))

    with pytest.raises(PlatformError, match=r"401 .*not accepted") as error:
        shop.look()

    assert "nobody-may-see" not in str(error.value)


def test_a_platform_that_is_away_says_so_and_shows_nothing(shop: Shop) -> None:
    shop.connections.note("shop", url="http://user:a-password@127.0.0.1:1/?key=of-mine")

    with pytest.raises(PlatformError, match="cannot be reached") as error:
        shop.look()

    assert "a-password" not in str(error.value)
    assert TOKEN not in str(error.value)


def test_nothing_is_noted_as_published_that_could_not_be(shop: Shop) -> None:
    shop.fake.say(0, 0, 0)
    shop.topic.takes_none = True
    with pytest.raises(Exception, match="spool"):
        shop.look()

    shop.topic.takes_none = False
    shop.look()

    assert shop.topic.live() == shop.fake.live() != {}


@pytest.mark.parametrize("platform", sorted(FAKES))
def test_a_history_of_many_pages_arrives_whole(platform: str, offline: GatewaySettings) -> None:
    with a_shop(FAKES[platform](items=270, people=1), offline) as shop:
        shop.connect()
        for item in range(270):
            shop.fake.say(0, item, item % 2)

        shop.look()

        assert shop.topic.live() == shop.fake.live()
        assert len(shop.topic.said) == 270


def test_an_annotation_that_is_newer_than_what_was_seen_of_its_task_is_not_deleted(offline: GatewaySettings) -> None:
    fake = FakeLabelStudio()
    with a_shop(fake, offline) as shop:
        shop.connect()
        before = dict(fake.tasks[1])
        fake.now = datetime.now(UTC) + timedelta(hours=1)
        fake.say(0, 0, 1)
        shop.deliver(fake.deliveries.pop())
        fake.tasks[1] = {**before, "annotations": [], "updated_at": before["updated_at"]}  # the list was read earlier

        shop.look(2)

        assert shop.topic.live() == {("1", "101"): "scam"}


@pytest.mark.parametrize(
    ("platform", "asked"),
    [
        ("cvat", "GET /api/jobs/31"),
        ("toloka", "GET /api/v1/assignments/a0001"),
        ("argilla", "POST /api/v1/datasets/d5aa1f/records/search"),
    ],
)
def test_what_a_webhook_names_is_fetched_by_its_id_before_anything_else(
    platform: str, asked: str, offline: GatewaySettings
) -> None:
    fake = FAKES[platform]()
    with a_shop(fake, offline) as shop:
        shop.connect()
        shop.look()
        fake.say(0, 0, 1)
        for one in fake.deliveries:
            shop.deliver(one)
        fake.asked.clear()

        shop.look()

        asked_first = [one for one in fake.asked if not one.endswith(("/d5aa1f", "/questions"))]
        assert asked_first[0] == asked
        assert shop.topic.live() == fake.live()


def test_an_id_that_could_lead_elsewhere_is_not_asked_for(shop: Shop) -> None:
    kind = {"cvat": "job", "toloka": "assignment", "argilla": "record", "doccano": "example"}
    wanted = FetchTarget(kind.get(shop.fake.platform, "task"), "../projects/4?x=")
    shop.look()
    shop.fake.asked.clear()

    shop.reconciler.wake("shop", (wanted,))
    shop.look()

    assert not any(".." in one or "x=" in one for one in shop.fake.asked)


def test_what_was_deleted_by_mistake_and_is_there_again_counts_again(shop: Shop) -> None:
    shop.fake.say(0, 0, 0)
    shop.look()
    before, kept = shop.topic.live(), shop.connection.platform_project
    held = PublishedIndex(shop.engine, "shop")
    gone = [one.model_copy(update=_deletion_of(one)) for one in shop.topic.said]
    shop.topic.said += gone
    held.learn(gone)
    held.drop_copies(["31"])

    shop.fake.say(0, 1, 0)
    shop.look(2)

    assert kept == shop.fake.number
    assert before.items() <= shop.topic.live().items()
    assert shop.topic.live() == shop.fake.live()


def _deletion_of(one: Annotation) -> dict[str, object]:
    at = one.occurred_at + timedelta(microseconds=1)
    return {"id": f"gone-{one.id}"[:60], "action": Action.DELETED, "label": None, "occurred_at": at}


def test_a_job_of_nobody_is_of_whoever_saved_it_or_of_whom_the_settings_name_and_else_waits(
    offline: GatewaySettings,
) -> None:
    fake = FakeCvat()
    for job in fake.jobs.values():
        job["assignee"] = None
    with a_shop(fake, offline) as shop:
        shop.connect()
        fake.say(0, 0, 1)
        fake.say(1, 1, 1)
        fake.deliveries.pop()  # nobody tells who saved the second

        shop.deliver(fake.deliveries.pop())
        problems = shop.look()
        by_sender = shop.topic.live().keys()
        shop.connections.note("shop", settings={**shop.connection.settings, "annotator": "team"}, watermark=None)
        shop.look()

        assert by_sender == {("12/0", "101")}
        assert any("job 32 has no assignee" in one for one in problems)
        assert shop.topic.live().keys() == {("12/0", "101"), ("12/1", "team")}


def test_a_job_that_is_given_to_somebody_else_keeps_what_the_first_one_drew(offline: GatewaySettings) -> None:
    fake = FakeCvat()
    with a_shop(fake, offline) as shop:
        shop.connect()
        fake.say(0, 0, 0)
        fake.say(0, 1, 0)
        shop.look()
        fake.jobs[31]["assignee"] = {"id": 777, "username": "second"}

        fake.say(0, 1, 1)
        fake.take_back(0, 0)
        shop.look()

        assert shop.topic.live().keys() == {("12/1", "777")}


def test_doccano_says_when_it_shows_only_the_labels_of_one(offline: GatewaySettings) -> None:
    fake = FakeDoccano()
    fake.shared = False
    with a_shop(fake, offline) as shop:
        shop.connect()

        problems = shop.look()

        assert len(problems) == 1
        assert "does not share" in problems[0]


def test_a_survivor_on_another_task_of_the_item_counts_again(offline: GatewaySettings) -> None:
    fake = FakeSharedItems()
    with a_shop(fake, offline) as shop:
        shop.connect()
        fake.say(0, 0, 0)
        fake.say(0, 1, 1)
        shop.look()
        fake.deliveries.clear()
        fake.take_back(0, 1)
        shop.deliver(fake.deliveries.pop())
        after_the_deletion = shop.topic.live()

        shop.look()

        assert after_the_deletion == {}
        assert shop.topic.live() == fake.live() == {("item-0", "101"): "safe"}


def test_an_audit_finds_on_the_platform_what_counts_there(shop: Shop) -> None:
    rng = random.Random(1)
    for _ in range(30):
        shop.fake.work(rng)
    shop.look(2)

    async def there() -> list[Annotation]:
        held = PublishedIndex(shop.engine, "shop")
        now = datetime.now(UTC)
        async with source_of(shop.connection, shop.connections, held, now, remembering=False) as source:
            return [one async for seen in everything_on(source) for one in seen.annotations]

    newest: dict[tuple[str, str], Annotation] = {}
    for one in sorted(asyncio.run(there()), key=lambda one: one.occurred_at):
        if one.action is not Action.DELETED:
            newest[one.item.id, one.annotator.id] = one
    counts = {place for place, one in newest.items() if one.action is not Action.SKIPPED}

    assert counts == shop.fake.live().keys()
