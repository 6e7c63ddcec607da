"""Rows and positions come together, once, on both databases."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from assay_schemas.topics import CONSENSUS, REVIEW, VALIDATED
from assay_schemas.verdict import ValidatedAnnotation
from assay_services.archive.core.erasure_filter import Forgotten
from assay_services.archive.core.plan import Fetched, TransactionPlan, plan
from assay_services.archive.core.registry import ARCHIVED
from assay_services.archive.store import ArchivePartition, Overtaken, Ready, Store
from assay_services.engine.core.erasure_request import ErasureRequest
from assay_services.erasure.archive import erase
from assay_services.stores.archive.transactions import RowsRefused
from tests.services.archive.records import Came, fetched, verdict_value
from tests.support.builders import NOW, an_item

CONSENSUS_VALUE = {
    "project": "ads-safety",
    "item": "i-204",
    "label": ["adult", "scam"],
    "probability": 0.9,
    "probabilities": {},
    "votes": 3,
    "status": "accepted",
    "contract_version": 7,
    "as_of": "2026-11-24T12:00:00Z",
}
REVIEW_VALUE = {
    "project": "ads-safety",
    "item": "i-204",
    "reason": "disputed",
    "priority": 0.2,
    "label": None,
    "probability": None,
    "votes": 3,
    "as_of": "2026-11-24T12:00:00Z",
}


def write(store: Store, *some: Fetched, source: int = 1) -> TransactionPlan:
    again = partial(plan, some, source=source, readers=ARCHIVED)
    nothing = Forgotten()
    return store.write(source, Ready(again(forgotten=nothing), nothing, lambda found: again(forgotten=found))).plan


def ready(store: Store, *topics: str) -> int:
    source = store.source("a-cluster", "")
    store.positions(source, [ArchivePartition(topic, 0) for topic in topics or (VALIDATED.name,)])
    return source


def rows(engine: Engine, query: str) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(text(query)).all()


def test_rows_and_position_are_written_together(engine: Engine, store: Store) -> None:
    source = ready(store)

    write(store, fetched(Came(5, verdict_value()), Came(6, verdict_value(id="an-882")), position=0), source=source)

    assert [one.id for one in rows(engine, "SELECT id FROM annotations ORDER BY kafka_offset")] == ["an-881", "an-882"]
    assert store.positions(source, [ArchivePartition(VALIDATED.name, 0)]) == {ArchivePartition(VALIDATED.name, 0): 7}


def test_a_batch_that_somebody_else_has_written_writes_nothing(engine: Engine, store: Store) -> None:
    source = ready(store)
    some = fetched(Came(0, verdict_value()))
    write(store, some, source=source)

    with pytest.raises(Overtaken):
        write(store, some, source=source)

    assert rows(engine, "SELECT count(*) FROM annotations") == [(1,)]
    assert rows(engine, "SELECT records FROM offsets") == [(1,)]


def test_what_the_database_refuses_leaves_no_trace(engine: Engine, store: Store) -> None:
    source = ready(store)

    once = plan([fetched(Came(0, verdict_value()))], source=source, readers=ARCHIVED, forgotten=Forgotten())
    twice = TransactionPlan({"annotations": [*once.added["annotations"]] * 2}, once.keyed, once.advances)

    with pytest.raises(RowsRefused):
        store.write(source, Ready(twice, Forgotten(), lambda _: twice))

    assert rows(engine, "SELECT count(*) FROM annotations") == [(0,)]
    assert rows(engine, "SELECT position FROM offsets") == [(0,)]


def test_an_item_is_shown_as_its_newest_annotation_shows_it_whatever_the_order(engine: Engine, store: Store) -> None:
    source = ready(store)
    newer = verdict_value(item={"id": "i-204", "text": "new"}, occurred_at="2026-11-24T11:00:00Z")
    older = verdict_value(item={"id": "i-204", "text": "old"}, occurred_at="2026-11-24T10:00:00Z")
    bare = verdict_value(item={"id": "i-204"}, occurred_at="2026-11-24T11:30:00Z", action="deleted")

    for offset, value in enumerate((newer, older, bare)):
        write(store, fetched(Came(offset, value)), source=source)

    assert rows(engine, "SELECT text FROM items") == [("new",)]
    assert rows(engine, "SELECT count(*) FROM annotations") == [(3,)]


def test_of_compacted_facts_the_newest_is_kept_and_a_tombstone_removes_it(engine: Engine, store: Store) -> None:
    source = ready(store, CONSENSUS.name, REVIEW.name)
    first, second = (orjson.dumps(CONSENSUS_VALUE | {"votes": votes}) for votes in (3, 4))
    wanted = orjson.dumps(REVIEW_VALUE)

    write(store, fetched(Came(0, first), Came(1, second), topic=CONSENSUS.name), source=source)
    write(store, fetched(Came(0, wanted), topic=REVIEW.name), source=source)
    there = rows(engine, "SELECT count(*) FROM reviews")
    write(store, fetched(Came(1, None), topic=REVIEW.name), source=source)

    assert rows(engine, "SELECT votes, label, label_kind FROM consensus") == [(4, '["adult","scam"]', "list")]
    assert there == [(1,)]
    assert rows(engine, "SELECT count(*) FROM reviews") == [(0,)]


def test_what_was_forgotten_since_a_batch_was_planned_is_left_out_of_it(engine: Engine, store: Store) -> None:
    source = ready(store)
    erase(engine, ErasureRequest(is_item=False, project=None, name="a17"), now=NOW)

    write(store, fetched(Came(0, verdict_value()), Came(1, verdict_value(annotator={"id": "a18"}))), source=source)

    assert rows(engine, "SELECT annotator FROM annotations") == [("a18",)]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(name=st.text(min_size=1, max_size=256), label=st.text(max_size=256), said=st.text(max_size=300))
def test_any_text_that_is_valid_is_stored_as_it_is(
    engine: Engine, store: Store, name: str, label: str, said: str
) -> None:
    try:
        value = verdict_value(item=an_item(id=name, text=said), label=label, annotator={"id": name})
        ValidatedAnnotation.model_validate_json(value)
    except (ValueError, TypeError):
        assume(False)  # noqa: FBT003  # hypothesis's own
    source = store.source(f"cluster-{uuid4()}", "")
    store.positions(source, [ArchivePartition(VALIDATED.name, 0)])

    write(store, fetched(Came(0, value)), source=source)

    found = rows(engine, f"SELECT item, label, annotator FROM annotations WHERE source = {source}")  # noqa: S608
    assert found == [tuple(text.replace("\0", "\N{SYMBOL FOR NULL}") for text in (name, label, name))]


def test_another_kafka_is_another_source(store: Store) -> None:
    first, again, other = store.source("a", ""), store.source("a", ""), store.source("b", "")

    assert first == again
    assert first != other
