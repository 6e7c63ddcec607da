"""Whatever happens to the rows, by whomever and in whatever order, the counts are those of a plain GROUP BY."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import orjson
import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from assay_schemas.json_data import Json
from assay_schemas.topics import CONSENSUS, REJECTED, VALIDATED
from assay_services.archive.bulk_insert import columns_of
from assay_services.archive.core.erasure_filter import Forgotten
from assay_services.archive.core.plan import Fetched, TransactionPlan, plan
from assay_services.archive.core.registry import ARCHIVED
from assay_services.archive.store import ArchivePartition, Ready, Store
from assay_services.engine.core.erasure_request import ErasureRequest
from assay_services.erasure.archive import erase
from assay_services.stores.archive.schema_upgrade import configured, upgrade
from assay_services.stores.archive.tables import TABLES
from assay_services.stores.archive.transactions import RowsRefused, alone
from tests.services.archive.records import Came, fetched
from tests.services.archive.test_store import CONSENSUS_VALUE, ready, rows, write
from tests.services.stores.archive.test_views import FINDING, said
from tests.support.builders import NOW

PLAIN = {
    "project, annotator, label, n, flagged, timed, milliseconds FROM vote_counts": """
        project, annotator, CASE WHEN label_kind IN ('text', 'number') THEN substr(label, 1, 200) ELSE '' END,
        count(*), sum(CASE WHEN flagged THEN 1 ELSE 0 END),
        sum(CASE WHEN lead_time_seconds BETWEEN 0 AND 1000000 THEN 1 ELSE 0 END),
        sum(CASE WHEN lead_time_seconds BETWEEN 0 AND 1000000
            THEN CAST(round(lead_time_seconds * 1000) AS bigint) ELSE 0 END)
        FROM votes WHERE live GROUP BY 1, 2, 3""",
    "project, substr(CAST(minute AS text), 1, 16), verdict, flagged, n FROM verdict_counts": """
        project, substr(CAST(judged_at AS text), 1, 16), verdict, CASE WHEN findings <> '[]' THEN 1 ELSE 0 END, count(*)
        FROM annotations GROUP BY 1, 2, 3, 4""",
    "project, status, label, n FROM status_counts": """
        project, status, CASE WHEN label_kind IN ('text', 'number') THEN substr(label, 1, 200) ELSE '' END, count(*)
        FROM consensus GROUP BY 1, 2, 3""",
    "project, rule, action, annotator, n FROM rule_counts": """
        project, rule, action, annotator, count(*) FROM objections GROUP BY 1, 2, 3, 4""",
}
BY_HAND = (
    "DELETE FROM annotations WHERE annotator = 'a1'",
    "DELETE FROM votes WHERE label = 'scam'",
    "DELETE FROM consensus",
    "DELETE FROM objections WHERE item = 'i-1'",
    "UPDATE votes SET label = 'adult', lead_time_seconds = 1.5 WHERE item = 'i-1'",
    "UPDATE votes SET live = NOT live",
    "UPDATE objections SET rule = 'slow' WHERE annotator = 'a2'",
    "UPDATE consensus SET status = 'disputed', label = NULL, label_kind = NULL",
    "INSERT INTO annotations {annotations} FROM annotations WHERE source = 1",
    "INSERT INTO votes {votes} FROM votes WHERE item = 'i-1' AND source = 1",
    "INSERT INTO objections {objections} FROM objections WHERE source = 1",
    "INSERT INTO consensus {consensus} FROM consensus WHERE item = 'i-1'",
)  # fmt: skip
COUNTED = ("annotations", "votes", "objections", "consensus")
COPIED = {"source": "source + {n}", "item": "item || {n}", "kafka_offset": "kafka_offset + 1000000 * {n}"}
WHOM = (
    ErasureRequest(is_item=True, project="ads-safety", name="i-1"),
    ErasureRequest(is_item=False, project=None, name="a1"),
    ErasureRequest(is_item=False, project="ads-safety", name="a2", pseudonym="someone"),
)

Change: TypeAlias = Sequence[dict[str, Any]] | ErasureRequest | str

ANNOTATIONS = st.fixed_dictionaries(
    {
        "annotator": st.sampled_from(["a1", "a2", "a3"]).map(lambda name: {"id": name}),
        "item": st.sampled_from(["i-1", "i-2"]),
        "label": st.sampled_from(["safe", "scam", 4, ["safe", "scam"], "long" * 60]),
        "action": st.sampled_from(["created", "created", "updated", "deleted", "skipped"]),
        "occurred_at": st.integers(0, 9).map(lambda minute: f"2026-11-24T11:5{minute}:00Z"),
        "lead_time_seconds": st.sampled_from([None, 0.0005, 2.5, 1e7]),
        "findings": st.sampled_from([(), (), (FINDING,), (FINDING, FINDING | {"rule": "gold-missed"})]),
    }
)
SETTLED = st.fixed_dictionaries(
    {
        "item": st.sampled_from(["i-1", "i-2"]),
        "label": st.sampled_from(["safe", 4, ["safe"], None]),
        "status": st.sampled_from(["accepted", "disputed"]),
        "is_gone": st.booleans(),
    }
)
CHANGES = st.lists(
    st.one_of(
        st.lists(ANNOTATIONS | SETTLED, min_size=1, max_size=12), st.sampled_from(WHOM), st.sampled_from(BY_HAND)
    ),
    max_size=8,
)


class Happening:
    """What happens to an archive, one change after the other; each is one transaction."""

    def __init__(self, engine: Engine) -> None:
        with engine.begin() as connection:
            for table in TABLES:
                connection.execute(text(f"DELETE FROM {table.__tablename__}"))  # noqa: S608  # our own tables
            connection.execute(text("INSERT INTO sources (id, cluster, prefix) VALUES (1, 'a-cluster', '')"))
        self.engine, self.store, self.number = engine, Store(engine), 0
        self.store.positions(1, [ArchivePartition(topic.name, 0) for topic in (VALIDATED, REJECTED, CONSENSUS)])

    def come(self, change: Change) -> None:
        self.number += 1
        if isinstance(change, ErasureRequest):
            whom = change._replace(pseudonym=change.pseudonym and f"{change.pseudonym}-{self.number}")
            erase(self.engine, whom, now=NOW + timedelta(minutes=self.number))
        elif isinstance(change, str):
            with self.engine.begin() as connection:
                connection.execute(text(change.format(**{table: self.copied(table) for table in COUNTED})))
        else:
            write(self.store, *self.batch(change))

    def batch(self, records: Sequence[dict[str, Any]]) -> list[Fetched]:
        came: dict[str, list[Came]] = {}
        for place, one in enumerate(records):
            topic = CONSENSUS if "is_gone" in one else (VALIDATED, VALIDATED, REJECTED)[place % 3]
            record = settled if topic is CONSENSUS else said
            came.setdefault(topic.name, []).append(record(self.number * 100 + place, **one))
        places = self.store.positions(1, [ArchivePartition(topic, 0) for topic in came])
        return [
            fetched(*some, topic=topic, position=places[ArchivePartition(topic, 0)]) for topic, some in came.items()
        ]

    def copied(self, table: str) -> str:
        """Return the columns of a table, and what a copy of a row has there."""
        names = columns_of(table)
        there = (COPIED.get(name, name).format(n=self.number) for name in names)
        return f"({', '.join(names)}) SELECT {', '.join(there)}"


def settled(number: int, item: str, label: Json, status: str, *, is_gone: bool) -> Came:
    value = orjson.dumps(CONSENSUS_VALUE | {"item": item, "label": label, "status": status})
    return Came(number, None if is_gone else value, f"ads-safety:{item}".encode())


def miscounted(engine: Engine) -> list[tuple[Sequence[str], Sequence[str]]]:
    """Return what is counted otherwise than a plain GROUP BY counts it."""

    def counts(query: str) -> Sequence[str]:
        return sorted(" ".join(map(str, row)) for row in rows(engine, f"SELECT {query}"))

    found = [(counts(kept), counts(plain)) for kept, plain in PLAIN.items()]
    return [one for one in found if one[0] != one[1]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_counts_are_exact_after_every_change(engine: Engine, changes: list[Change]) -> None:
    happening = Happening(engine)

    for change in changes:
        happening.come(change)

        assert miscounted(engine) == []
    assert rows(engine, "SELECT * FROM counting") == []


@pytest.mark.parametrize("change", BY_HAND)
def test_what_a_person_changes_is_counted_however_it_came(engine: Engine, change: str) -> None:
    happening = Happening(engine)
    happening.come([{"item": "i-1", "annotator": {"id": f"a{n % 3}"}, "label": "scam"} for n in range(6)])
    happening.come([{"item": "i-1", "label": "safe", "status": "accepted", "is_gone": False}])

    happening.come(change)

    assert miscounted(engine) == []


def test_a_batch_that_is_refused_in_its_middle_counts_for_nothing_and_the_next_one_counts(
    engine: Engine, store: Store
) -> None:
    source = ready(store)
    good = fetched(said(0, "safe", findings=[FINDING]), said(1, "scam"))
    once = plan([good], source=source, readers=ARCHIVED, forgotten=Forgotten())
    twice = TransactionPlan({**once.added, "objections": [*once.added["objections"]] * 2}, once.keyed, once.advances)
    with pytest.raises(RowsRefused):
        store.write(source, Ready(twice, Forgotten(), lambda _: twice))
    refused = rows(engine, "SELECT n FROM verdict_counts")

    write(store, good, source=source)

    assert refused == []
    assert miscounted(engine) == []


def test_an_archive_of_the_version_before_counts_on_and_back(engine: Engine) -> None:
    def migrate(version: str) -> None:
        with alone(engine) as connection:
            command.downgrade(configured(connection), version)

    happening = Happening(engine)
    some = [{"item": "i-1", "annotator": {"id": f"a{n}"}, "label": "scam", "findings": [FINDING]} for n in range(3)]
    happening.come(some)

    migrate("0005")
    happening.come(BY_HAND[8])
    before = miscounted(engine)
    upgrade(engine)
    happening.come([one | {"label": "safe"} for one in some])

    assert before == miscounted(engine) == []
