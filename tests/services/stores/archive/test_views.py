"""What the views say, the same on both databases, from the same query."""

from typing import Any

import orjson
from sqlalchemy import Engine

from assay_schemas.json_data import Json
from assay_schemas.topics import ALERTS, CONSENSUS, CORRECTED, DEAD, REJECTED, RELIABILITY, VALIDATED
from assay_services.archive.core.plan import Fetched
from assay_services.archive.store import Store
from tests.services.archive.records import ALERT_VALUE, Came, fetched, verdict_value
from tests.services.archive.test_store import CONSENSUS_VALUE, ready, rows, write
from tests.support.builders import an_item, annotation_input

FINDING = {"rule": "too-fast", "action": "flag", "message": "1.0 s is less than 1.5 s", "path": "lead_time_seconds"}
CORRECTION = {
    "id": "c1",
    "project": "ads-safety",
    "item": "i-204",
    "annotator": "a17",
    "annotation": "an-1",
    "was": "safe",
    "label": "scam",
    "probability": 0.97,
    "retracts": None,
    "reason": "others say so",
    "contract_version": 7,
    "as_of": "2026-11-24T12:00:00Z",
}


def said(number: int, label: str, *, item: str = "i-204", findings: Json = (), **changes: Json) -> Came:
    about = an_item(id=item, attributes={"market": "BR", "guideline": "7"})
    plain = {"id": f"an-{number}", "annotator": {"id": f"a{number}"}, "item": about, "label": label}
    verdict = {"annotation": annotation_input(**plain | changes), "findings": list(findings), "score": None}
    return Came(number, orjson.dumps(verdict | {"contract_version": 7}))


def archived(store: Store, *some: Fetched) -> None:
    source = ready(store, VALIDATED.name, REJECTED.name, CONSENSUS.name, CORRECTED.name, RELIABILITY.name, DEAD.name)
    for one in some:
        write(store, one._replace(position=0), source=source)


def test_live_annotations_are_each_annotators_newest_that_were_not_withdrawn(engine: Engine, store: Store) -> None:
    late: dict[str, Any] = {"annotator": {"id": "a1"}, "occurred_at": "2026-11-24T11:59:30Z"}
    archived(
        store,
        fetched(
            said(1, "safe"),
            said(2, "scam", **late | {"action": "updated"}),
            said(3, "safe"),
            said(4, "safe", annotator={"id": "a3"}, occurred_at="2026-11-24T11:59:40Z", action="deleted"),
            said(5, "adult", annotator={"id": "a1"}, occurred_at="2026-11-24T09:00:00Z"),
        ),
        fetched(said(6, "Safe"), topic=REJECTED.name),
    )

    assert rows(engine, "SELECT annotator, label FROM live_annotations") == [("a1", "scam")]
    assert rows(engine, "SELECT id FROM rejected") == [("an-6",)]


def test_a_correction_is_current_until_it_is_taken_back(engine: Engine, store: Store) -> None:
    taken_back = CORRECTION | {"id": "c2", "retracts": "c1"}
    standing = CORRECTION | {"id": "c3", "item": "i-205"}
    values = [orjson.dumps(one) for one in (CORRECTION, taken_back, standing)]

    archived(store, fetched(*(Came(n, value) for n, value in enumerate(values)), topic=CORRECTED.name))

    assert rows(engine, "SELECT id, item FROM current_corrections") == [("c3", "i-205")]


def test_an_alert_is_current_until_it_is_resolved(engine: Engine, store: Store) -> None:
    over = ALERT_VALUE | {"id": "f2", "state": "firing"}
    values = [ALERT_VALUE | {"state": "firing"}, over, ALERT_VALUE, over | {"state": "resolved"}]

    source = ready(store, ALERTS.name)
    came = [Came(number, orjson.dumps(one)) for number, one in enumerate(values)]
    write(store, fetched(*came, topic=ALERTS.name), source=source)

    assert rows(engine, "SELECT id, state, acknowledged_by FROM current_alerts") == [("f1", "acknowledged", "lea")]


def test_the_label_mix_adds_up_for_each_day_and_market(engine: Engine, store: Store) -> None:
    archived(store, fetched(said(1, "safe"), said(2, "safe"), said(3, "scam"), said(4, "adult", item="i-9")))

    found = rows(engine, "SELECT cast(day AS text), market, label, n, share FROM label_mix_daily ORDER BY label")

    assert found == [
        ("2026-11-24", "BR", "adult", 1, 0.25),
        ("2026-11-24", "BR", "safe", 2, 0.5),
        ("2026-11-24", "BR", "scam", 1, 0.25),
    ]


def test_disagreement_is_the_share_of_pairs_that_differ(engine: Engine, store: Store) -> None:
    archived(
        store,
        fetched(
            *(said(1, "safe"), said(2, "safe"), said(3, "scam")),
            *(said(4, "safe", item="i-9"), said(5, "safe", item="i-9"), said(6, "safe", item="i-10")),
        ),
    )

    found = rows(
        engine, "SELECT guideline, items, annotations, disputed_share, disagreement FROM disagreement_by_guideline"
    )

    # Pairs on i-204: 3, of which 2 differ; on i-9: 1, which agrees; i-10 has one annotation and no pair.
    assert [tuple(map(str, one[:3])) for one in found] == [("7", "2", "5")]
    assert [tuple(map(float, one[3:])) for one in found] == [(0.5, 0.5)]


def test_speed_stands_beside_agreement_with_the_consensus(engine: Engine, store: Store) -> None:
    consensus = orjson.dumps(CONSENSUS_VALUE | {"label": "safe"})
    archived(
        store,
        fetched(said(1, "safe"), said(2, "scam", lead_time_seconds=2.5)),
        fetched(Came(0, consensus), topic=CONSENSUS.name),
    )

    found = rows(
        engine,
        "SELECT annotator, annotations, mean_seconds, agreement FROM annotator_speed_agreement ORDER BY annotator",
    )

    assert [(who, n, float(seconds), float(share)) for who, n, seconds, share in found] == [
        ("a1", 1, 12.5, 1.0),
        ("a2", 1, 2.5, 0.0),
    ]


def test_the_funnel_counts_each_day_from_arrival_to_what_stands(engine: Engine, store: Store) -> None:
    archived(
        store,
        fetched(said(1, "safe", annotator={"id": "a17"}), said(2, "scam", findings=[FINDING])),
        fetched(said(3, "Safe"), topic=REJECTED.name),
        fetched(Came(0, orjson.dumps(CORRECTION)), topic=CORRECTED.name),
        fetched(Came(0, b"{", headers=[("assay-reason", b"not-json")]), topic=DEAD.name),
    )

    columns = "came, dead, rejected, validated, flagged, live, corrected"
    found = rows(engine, f"SELECT project, {columns} FROM verdict_funnel ORDER BY came DESC")  # noqa: S608

    assert found == [("ads-safety", 3, 0, 1, 2, 1, 2, 1), (None, 1, 1, 0, 0, 0, 0, 0)]
    assert rows(engine, "SELECT rule, action FROM findings") == [("too-fast", "flag")]


def test_attributes_are_asked_with_the_same_words_everywhere(engine: Engine, store: Store) -> None:
    archived(store, fetched(Came(0, verdict_value())))

    assert rows(engine, "SELECT item FROM items_now WHERE attributes ->> 'market' = 'BR'") == [("i-204",)]
