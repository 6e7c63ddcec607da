"""A review session without a browser: the current item, the decision, and its outcome."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from assay_schemas.annotation import Action, AnnotatorKind
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import CONSENSUS, CONTRACTS, REJECTED, REVIEW, VALIDATED, Topic
from assay_services.archive.store import ArchivePartition, Store
from assay_services.console.auth.sessions import Viewer
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.console.pages.charts import ChartColours
from assay_services.console.pages.layout import View
from assay_services.console.pages.review_session import ReviewSession
from assay_services.console.reviews.claims import Candidate
from assay_services.console.reviews.decisions import events_of
from assay_services.console.reviews.review_queue import DecisionOutcome, as_annotated, outcome_of
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.control.tables.accounts import Role
from tests.services.archive.records import NOW_MS, Came, fetched
from tests.services.archive.test_store import CONSENSUS_VALUE, REVIEW_VALUE, write
from tests.support.builders import GOOD, LABELS, NOW, an_annotation, an_item, annotation_input

PROJECT = "ads-safety"
TOLD: dict[str, Any] = {
    "features": [0.5, 1.0],
    "media": {"uri": "https://example.org/a.jpg", "width": 640, "height": 480},
    "attributes": {"market": "BR", "left": "one", "right": "two"},
}


def archived(parts: ConsoleDependencies, topic: Topic, *values: dict[str, Any], key: str = f"{PROJECT}:i-204") -> None:
    """Have the archive know of some more records."""
    engine = open_engine(parts.settings.database_url)
    store = Store(engine)
    source = store.source("a-cluster", "")
    place = ArchivePartition(topic.name, 0)
    begin = store.positions(source, [place])[place]
    came = [Came(begin + n, orjson.dumps(value), key.encode(), NOW_MS + begin + n) for n, value in enumerate(values)]
    write(store, fetched(*came, topic=topic.name), source=source)
    engine.dispose()


def put_in_force(parts: ConsoleDependencies, kind: str) -> None:
    contract = LabelContract.model_validate({"project": PROJECT, "version": 8, "label": LABELS[kind]})
    archived(parts, CONTRACTS, contract.model_dump(mode="json"), key=PROJECT)


def ask_for_review(parts: ConsoleDependencies, kind: str, *items: str, label: Any = None) -> None:  # noqa: ANN401  # any kind
    """Have items wait for review, each with one answer."""
    put_in_force(parts, kind)
    for number, item in enumerate(items):
        about = an_item(id=item, gold=GOOD[kind], **TOLD)
        said = annotation_input(id=f"an-{kind}-{item}", item=about, label=GOOD[kind] if label is None else label)
        archived(parts, VALIDATED, verdict(said))
        waiting = {"item": item, "priority": 1 - number / 10, "as_of": datetime.now(UTC).isoformat()}
        archived(parts, REVIEW, REVIEW_VALUE | waiting, key=f"{PROJECT}:{item}")


def verdict(annotation: dict[str, Any], *findings: dict[str, Any]) -> dict[str, Any]:
    return {"annotation": annotation, "findings": list(findings), "score": None, "contract_version": 8}


def desk_of(parts: ConsoleDependencies, name: str = "rita") -> ReviewSession:
    view = View(parts, Viewer(name, Role.REVIEWER), {}, ZoneInfo("UTC"), ChartColours(is_dark=False))
    return ReviewSession(view, PROJECT, is_blind=False)


def test_two_reviewers_have_different_items_before_them(parts: ConsoleDependencies) -> None:
    ask_for_review(parts, "categorical", "i-1", "i-2")
    rita, sami, tove = (desk_of(parts, name) for name in ("rita", "sami", "tove"))

    async def work() -> None:
        for desk in (rita, sami, tove):
            await desk.next()

    asyncio.run(work())
    assert [None if desk.task is None else desk.task.item.item for desk in (rita, sami, tove)] == ["i-1", "i-2", None]


@pytest.mark.parametrize("kind", list(LABELS))
def test_a_decision_is_an_annotation_that_says_no_less_of_the_item_than_the_others(
    parts: ConsoleDependencies, kind: str
) -> None:
    ask_for_review(parts, kind, "i-1")
    desk = desk_of(parts)

    async def work() -> None:
        await desk.next()
        assert desk.task is not None
        first = desk.task.choices[0]
        await desk.choose(first)
        await desk.decide_chosen()

    asyncio.run(work())
    (event,) = events_of(parts.decisions.unpublished()[0])
    assert (event.annotator.id, event.annotator.kind) == ("rita", AnnotatorKind.ADJUDICATOR)
    assert event.item == an_annotation(item=an_item(id="i-1", gold=GOOD[kind], **TOLD)).item
    assert event.label not in (None, [])
    assert desk.task is None


def test_several_labels_are_decided_together_in_the_contracts_order(parts: ConsoleDependencies) -> None:
    ask_for_review(parts, "multilabel", "i-1")
    desk = desk_of(parts)

    async def work() -> None:
        await desk.next()
        assert desk.task is not None
        safe, adult, scam = desk.task.choices
        for one in (scam, adult, adult, safe):
            await desk.choose(one)
        assert desk.chosen == ["scam", "safe"]
        await desk.decide_chosen()

    asyncio.run(work())
    (event,) = events_of(parts.decisions.unpublished()[0])
    assert event.label == ["safe", "scam"]


def test_the_item_of_an_undone_decision_is_open_again(parts: ConsoleDependencies) -> None:
    ask_for_review(parts, "categorical", "i-1", "i-2")
    desk = desk_of(parts)

    async def work() -> None:
        await desk.undo()
        assert desk.message == "There is nothing to undo."
        await desk.next()
        await desk.decide("scam")
        assert desk.task is not None
        assert desk.task.item.item == "i-2"
        await desk.undo()

    asyncio.run(work())
    assert desk.task is not None
    assert desk.task.item.item == "i-1"
    assert [one.item for one in parts.claims.claimed_by(now=datetime.now(UTC))] == ["i-1"]
    assert [event.action for one in parts.decisions.unpublished() for event in events_of(one)] == [
        Action.CREATED, Action.DELETED,
    ]  # fmt: skip


def test_a_skipped_item_does_not_come_back_and_is_free_for_others(parts: ConsoleDependencies) -> None:
    ask_for_review(parts, "categorical", "i-1", "i-2")
    rita, sami = desk_of(parts), desk_of(parts, "sami")

    async def work() -> None:
        await rita.next()
        await rita.skip()
        await sami.next()
        await rita.skip()

    asyncio.run(work())
    assert rita.task is None
    assert sami.task is not None
    assert sami.task.item.item == "i-1"


def test_a_reloaded_page_keeps_the_item_when_the_old_one_closes(parts: ConsoleDependencies) -> None:
    ask_for_review(parts, "categorical", "i-1")
    old, new, sami = desk_of(parts), desk_of(parts), desk_of(parts, "sami")

    async def work() -> None:
        await old.next()
        await new.next()
        old.leave()
        await sami.next()
        assert sami.task is None
        new.renew()
        new.leave()
        await sami.next()

    asyncio.run(work())
    assert sami.task is not None
    assert sami.task.item.item == "i-1"


def test_a_reviewer_whose_claim_expired_gets_a_message_and_the_next_item(parts: ConsoleDependencies) -> None:
    ask_for_review(parts, "categorical", "i-1", "i-2")
    rita = desk_of(parts)

    async def work() -> None:
        await rita.next()
        parts.claims.release(PROJECT, "i-1", "rita")
        assert parts.claims.claim([Candidate(PROJECT, "i-1", NOW)], "sami", now=datetime.now(UTC)) is not None
        await rita.decide("scam")

    asyncio.run(work())
    assert "has expired" in rita.message
    assert rita.task is not None
    assert rita.task.item.item == "i-2"
    assert parts.decisions.count_unpublished() == 0


def test_a_decision_is_followed_once_it_is_a_vote_of_a_settled_item(parts: ConsoleDependencies) -> None:
    ask_for_review(parts, "categorical", "i-1")
    desk = desk_of(parts)

    async def decide() -> bool:
        await desk.next()
        await desk.decide("scam")
        return await desk.refresh()

    assert asyncio.run(decide())
    assert desk.status == DecisionOutcome(is_followed=False, refused=None)
    assert desk.last is not None
    said = annotation_input(id=desk.last.id, item={"id": "i-1"}, annotator={"id": "rita"}, label="scam")
    settled = CONSENSUS_VALUE | {"item": "i-1", "status": "adjudicated", "label": "scam"}
    archived(parts, CONSENSUS, settled)
    assert outcome_of(parts.archive, PROJECT, "i-1", desk.last.id) == DecisionOutcome(is_followed=False, refused=None)
    archived(parts, VALIDATED, verdict(said))
    assert asyncio.run(desk.refresh())
    assert desk.status == DecisionOutcome(is_followed=True, refused=None)
    assert not asyncio.run(desk.refresh())


def test_a_decision_that_the_contract_refuses_says_why(parts: ConsoleDependencies) -> None:
    finding = {"rule": "known-label", "action": "reject", "message": "'Scam' is no label", "path": "label"}
    archived(parts, REJECTED, verdict(annotation_input(id="review-1", label="Scam"), finding))

    found = outcome_of(parts.archive, PROJECT, "i-204", "review-1")

    assert found == DecisionOutcome(is_followed=False, refused="'Scam' is no label")


@pytest.mark.parametrize("kind", list(LABELS))
def test_an_item_is_known_as_its_annotations_state_it(parts: ConsoleDependencies, kind: str) -> None:
    ask_for_review(parts, kind, "i-1")

    found = as_annotated(parts.archive, PROJECT, "i-1")

    assert found == an_annotation(item=an_item(id="i-1", gold=GOOD[kind], **TOLD)).item
    assert as_annotated(parts.archive, PROJECT, "never seen").model_dump(exclude_none=True) == {
        "id": "never seen", "attributes": {},
    }  # fmt: skip


def test_an_item_without_labels_of_this_kind_has_no_choices(parts: ConsoleDependencies) -> None:
    ask_for_review(parts, "spans", "i-1", label="safe")  # from before the contract changed
    desk = desk_of(parts)

    asyncio.run(desk.next())

    assert desk.task is not None
    assert desk.task.choices == ()
