"""What records come to, without any database: nothing is lost, and nothing crashes."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from assay_schemas.json_data import Json
from assay_schemas.topics import (
    AGREEMENT,
    ALERTS,
    CONDUCT,
    CONSENSUS,
    CONTRACTS,
    CORRECTED,
    DEAD,
    REJECTED,
    RELIABILITY,
    REVIEW,
    SIGNALS,
    TOPICS,
    VALIDATED,
)
from assay_schemas.verdict import RejectedAnnotation, ValidatedAnnotation
from assay_services.archive.bulk_insert import columns_of
from assay_services.archive.core.erasure_filter import ANNOTATOR, ANY_PROJECT, ITEM, ErasureFilter, Forgotten, mark_of
from assay_services.archive.core.plan import Fetched, TransactionPlan, halves, plan, refuse
from assay_services.archive.core.registry import ARCHIVED
from assay_services.archive.core.row_types import read_plain, utc
from tests.services.archive.records import ALERT_VALUE, Came, fetched, verdict_value
from tests.services.archive.test_store import CONSENSUS_VALUE, REVIEW_VALUE
from tests.services.stores.archive.test_views import CORRECTION, FINDING, said
from tests.support.builders import NOW, a_contract, an_item

READING_VALUE = {
    "project": "ads-safety",
    "coefficient": "cohen-kappa",
    "value": 0.5,
    "low": None,
    "high": 1,
    "items": 12,
    "annotators": 2,
    "window": "1h",
    "window_start": "2026-11-24T11:00:00Z",
    "window_end": "2026-11-24T12:00:00Z",
    "scope": {"annotators": "a17|b|c"},
    "as_of": "2026-11-24T12:00:00Z",
}
RELIABILITY_VALUE = {
    "project": "ads-safety",
    "annotator": "a17",
    "accuracy": 0.9,
    "accuracy_low": 0.8,
    "accuracy_high": 0.95,
    "votes": 40,
    "confusion": {"safe": {"safe": 39.5}},
    "as_of": "2026-11-24T12:00:00Z",
}
SIGNAL_VALUE: dict[str, Any] = {
    "id": "s-1",
    "project": "ads-safety",
    "annotator": "a17",
    "detector": "copying",
    "peer": "a18",
    "state": "raised",
    "since": "2026-11-24T11:00:00Z",
    "since_low": "2026-11-24T10:00:00Z",
    "since_high": "2026-11-24T11:30:00Z",
    "at": "2026-11-24T12:00:00Z",
    "e_value": 812.5,
    "false_alarm_level": 0.002,
    "false_discovery_level": 0.05,
    "evidence": {"counts": {"annotations": 40}, "comparison": {"pool_share": 0.8}, "items": []},
}
_RATE = {"value": 0.8, "low": 0.7, "high": 0.9, "count": 40}
CONDUCT_VALUE = {
    "project": "ads-safety",
    "annotator": "a17",
    "as_of": "2026-11-24T12:00:00Z",
    "annotations": 40,
    "against_gold": None,
    "against_consensus": _RATE,
    "against_model": None,
    "confusion": {},
    "labels": {},
    "peers": [{"peer": "a18", "common": 9, "agreement": _RATE, "same_errors": 0}],
    "speed": {
        "fastest_tenth_seconds": 1.0,
        "median_seconds": 4.0,
        "slowest_tenth_seconds": 9.0,
        "characters_per_second": None,
    },
    "activity": {
        "first_at": "2026-11-24T11:00:00Z",
        "last_at": "2026-11-24T12:00:00Z",
        "sessions": 1,
        "session_hours": 1.0,
        "by_hour": [0] * 24,
    },
    "prelabels_kept": None,
    "repeats_same": None,
    "spammer_score": None,
    "trend": [],
    "standing": ["guessing"],
}
VALUES: dict[str, bytes] = {
    VALIDATED.name: verdict_value(),
    REJECTED.name: verdict_value(),
    DEAD.name: b"{",
    CONSENSUS.name: orjson.dumps(CONSENSUS_VALUE),
    CORRECTED.name: orjson.dumps(CORRECTION),
    REVIEW.name: orjson.dumps(REVIEW_VALUE),
    AGREEMENT.name: orjson.dumps(READING_VALUE),
    RELIABILITY.name: orjson.dumps(RELIABILITY_VALUE),
    SIGNALS.name: orjson.dumps(SIGNAL_VALUE),
    CONDUCT.name: orjson.dumps(CONDUCT_VALUE),
    CONTRACTS.name: a_contract().model_dump_json().encode(),
    ALERTS.name: orjson.dumps(ALERT_VALUE),
}
LATER = NOW + timedelta(hours=1)


def planned(*some: Fetched, forgotten: Forgotten | None = None) -> TransactionPlan:
    return plan(some, source=1, readers=ARCHIVED, forgotten=forgotten or Forgotten())


def row_of(value: bytes, topic: str = VALIDATED.name) -> dict[str, Any]:
    found = planned(fetched(Came(0, value), topic=topic))
    return dict(found.added["annotations"][0])


def without(kind: str, name: str, *, project: str = "ads-safety", pseudonym: str | None = None) -> Forgotten:
    return Forgotten({mark_of(kind, project, name): ErasureFilter(utc(LATER), pseudonym)})


def test_every_archived_topic_is_in_the_register_of_topics() -> None:
    assert set(ARCHIVED) <= {topic.name for topic in TOPICS}
    assert set(ARCHIVED) == set(VALUES)


@pytest.mark.parametrize("topic", ARCHIVED)
def test_a_row_has_every_column_of_its_table_and_no_other(topic: str) -> None:
    found = planned(fetched(Came(0, VALUES[topic]), topic=topic))

    assert found.added or found.keyed
    for table, rows in found.added.items():
        assert all(set(row) == set(columns_of(table)) for row in rows)
    for table, kept in found.keyed.items():
        assert all(row is not None and set(row) == set(columns_of(table)) for row in kept.values())
    assert "unreadable" not in found.added


@pytest.mark.parametrize("topic", ARCHIVED)
@given(value=st.one_of(st.none(), st.binary(max_size=80)), key=st.one_of(st.none(), st.binary(max_size=20)))
def test_any_bytes_become_rows_or_are_kept_as_they_came(topic: str, value: bytes | None, key: bytes | None) -> None:
    found = planned(fetched(Came(4, value, key), topic=topic))

    (advance,) = found.advances
    unreadable = found.added.get("unreadable", [])
    assert (advance.before, advance.after, advance.records) == (4, 5, 1)
    assert len(unreadable) == advance.unreadable
    assert all((row["value"], row["key"]) == (value, key) for row in unreadable)
    assert unreadable or found.added or found.keyed


@given(data=st.data())
def test_a_damaged_verdict_is_a_row_or_is_kept_as_it_came(data: st.DataObject) -> None:
    value = bytearray(verdict_value())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(value) - 1))
        value[place] = data.draw(st.integers(0, 255))

    found = planned(fetched(Came(0, bytes(value))))

    assert len(found.added.get("annotations", [])) + len(found.added.get("unreadable", [])) == 1


ANY_VERDICTS = [
    verdict_value(),
    verdict_value(label=4, prelabel=2.5, action="updated", created_at="2026-11-24T11:00:00+01:00", source=None),
    verdict_value(label=[{"label": "person", "end": 4, "start": 0}], lead_time_seconds=None),
    verdict_value(label=[{"x": 1, "y": 2, "width": 3, "height": 4.5, "label": "car"}], prelabel=["a", "b"]),
    verdict_value(item=an_item(features=[1, 0.5], media={"uri": "s3://a/b.png"}, gold=["scam"])),
    verdict_value(
        item={"id": "i-1", "text": None, "attributes": {"market": "BR"}}, annotator={"id": "m", "kind": "model"}
    ),
    said(1, "safe", findings=[FINDING]).value or b"",
]


@pytest.mark.parametrize("kind", [ValidatedAnnotation, RejectedAnnotation])
@given(data=st.data())
def test_a_verdict_is_read_plainly_by_the_same_rules_as_its_model(kind: type[BaseModel], data: st.DataObject) -> None:
    value = bytearray(data.draw(st.sampled_from(ANY_VERDICTS)))
    for _ in range(data.draw(st.integers(0, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.sampled_from(b'"0,.:1{}[]-nulltrue\\'))

    record = Came(0, bytes(value))
    try:
        expected = kind.model_validate_json(bytes(value)).model_dump(exclude_unset=True)
    except ValueError:
        with pytest.raises(ValueError, match="validation error"):
            read_plain(kind, record)
    else:
        assert read_plain(kind, record) == expected


def test_what_a_medium_does_not_say_of_its_size_is_null() -> None:
    found = planned(fetched(Came(0, verdict_value(item=an_item(media={"uri": "s3://a/b.png", "width": 5})))))

    item = found.keyed["items"]["ads-safety", "i-204"]

    assert item is not None
    assert item["media"] == '{"uri":"s3://a/b.png","width":5,"height":null}'


@pytest.mark.parametrize(
    "value",
    [
        verdict_value().replace(b'"contract_version":7', b'"contract_version":99999999999999999999'),
        verdict_value(occurred_at="0001-01-01T00:00:00+14:00"),
        verdict_value().replace(b"i-204", b"\\ud800"),
        b"[" * 100_000,
    ],
)
def test_what_no_column_can_hold_is_kept_as_it_came(value: bytes) -> None:
    found = planned(fetched(Came(0, value)))

    assert [row["value"] for row in found.added["unreadable"]] == [value]
    assert found.added["unreadable"][0]["reason"]


def test_nul_which_not_every_database_can_hold_becomes_its_symbol_and_a_backslash_stays() -> None:
    value = verdict_value(item=an_item(text="a\0b\\u0000")).replace(b'"safe"', b'"sa\\u0000fe"')

    found = planned(fetched(Came(0, value)))

    assert found.added["annotations"][0]["label"] == "sa\N{SYMBOL FOR NULL}fe"
    assert found.keyed["items"]["ads-safety", "i-204"]["text"] == "a\N{SYMBOL FOR NULL}b\\u0000"  # type: ignore[index]


@pytest.mark.parametrize(
    ("label", "shown", "kind"),
    [
        ("safe", "safe", "text"),
        (4, "4", "number"),
        (2.5, "2.5", "number"),
        (["a", "b"], '["a","b"]', "list"),
        ([{"start": 0, "end": 4, "label": "person"}], '[{"start":0,"end":4,"label":"person"}]', "list"),
        (None, None, None),
    ],
)
def test_a_label_is_text_and_says_of_which_kind_it_was(label: Json, shown: str | None, kind: str | None) -> None:
    row = row_of(verdict_value(label=label, action="created"))

    assert (row["label"], row["label_kind"]) == (shown, kind)


def test_findings_score_and_source_stand_in_the_row() -> None:
    score = {"label_probability": 0.1, "predicted": "scam", "predicted_probability": 0.8, "below_threshold": True}
    verdict = orjson.loads(said(1, "safe", findings=[FINDING], source={"platform": "label-studio"}).value or b"")

    row = row_of(orjson.dumps(verdict | {"score": score}), REJECTED.name)

    assert orjson.loads(row["findings"]) == [FINDING]
    assert (row["predicted"], row["below_threshold"], row["platform"]) == ("scam", True, "label-studio")
    assert (row["verdict"], row["platform_project"]) == ("rejected", None)


def test_an_items_features_media_and_gold_stand_in_its_row() -> None:
    about = an_item(features=[0.5], media={"uri": "s3://a/b.png"}, gold=["scam"])

    found = planned(fetched(Came(0, verdict_value(item=about, created_at="2026-11-24T11:00:00+01:00"))))

    item = found.keyed["items"]["ads-safety", "i-204"]
    assert item is not None
    assert (item["features"], item["gold"], item["gold_kind"]) == ("[0.5]", '["scam"]', "list")
    assert orjson.loads(item["media"])["uri"] == "s3://a/b.png"
    assert found.added["annotations"][0]["created_at"] == "2026-11-24 10:00:00.000000"


def test_within_a_batch_the_newest_description_of_an_item_wins() -> None:
    def told(number: int, text: str, minute: int) -> Came:
        return Came(number, verdict_value(item=an_item(text=text), occurred_at=f"2026-11-24T11:{minute}:00Z"))

    found = planned(fetched(told(0, "old", 10), told(1, "new", 20), told(2, "older", 15)))

    assert [row and row["text"] for row in found.keyed["items"].values()] == ["new"]


def test_a_tombstone_deletes_the_row_of_its_own_project_only() -> None:
    found = planned(fetched(Came(0, None, b"a:b:c"), topic=REVIEW.name))
    with_colon = planned(fetched(Came(0, None, b"a%3Ab:c"), topic=REVIEW.name))
    keyless = planned(fetched(Came(0, None, b"no-colon"), topic=CONSENSUS.name))

    assert found.keyed["reviews"] == {("a", "b:c"): None}
    assert with_colon.keyed["reviews"] == {("a:b", "c"): None}
    assert len(keyless.added["unreadable"]) == 1
    assert planned(fetched(Came(0, None, b"a:b"), topic=RELIABILITY.name)).keyed["reliability"] == {("a", "b"): None}


def test_a_batch_is_split_until_one_record_is_left() -> None:
    first, second = fetched(Came(0, b"a"), Came(2, b"b"), Came(5, b"c")), fetched(Came(0, b"d"), partition=1)

    assert halves([first, second]) == ([first], [second])
    (left,), (right,) = halves([first])
    assert (left.position, [one.offset for one in left.records]) == (0, [0])
    assert (right.position, [one.offset for one in right.records]) == (1, [2, 5])


def test_a_record_that_the_database_refuses_is_kept_as_it_came() -> None:
    found = refuse(fetched(Came(7, b"value"), position=3), source=1, reason="too long")

    assert [(row["value"], row["reason"]) for row in found.added["unreadable"]] == [(b"value", "too long")]
    assert [(one.before, one.after, one.unreadable) for one in found.advances] == [(3, 8, 1)]


def test_a_dead_letter_keeps_its_bytes_and_the_reason() -> None:
    headers = [("assay-reason", b"not-json"), ("assay-field", b"value"), ("nothing", None)]

    found = planned(fetched(Came(0, b"{", None, headers=headers), topic=DEAD.name))

    (row,) = found.added["dead"]
    assert (row["reason"], row["field"], row["message"], row["value"], row["key"]) == (
        "not-json",
        "value",
        "",
        b"{",
        None,
    )


@pytest.mark.parametrize("project", ["ads-safety", ANY_PROJECT])
def test_a_forgotten_annotators_rows_on_their_way_are_left_out(project: str) -> None:
    gone = without(ANNOTATOR, "a17", project=project)

    judged = planned(fetched(Came(0, verdict_value())), forgotten=gone)
    corrected = planned(fetched(Came(0, VALUES[CORRECTED.name]), topic=CORRECTED.name), forgotten=gone)
    pair = planned(fetched(Came(0, VALUES[AGREEMENT.name]), topic=AGREEMENT.name), forgotten=gone)

    assert judged.added.get("annotations") is None
    assert list(judged.keyed["items"]) == [("ads-safety", "i-204")]
    assert corrected.added == pair.added == {}
    assert [one.forgotten for one in (*corrected.advances, *pair.advances)] == [1, 1]


def test_a_forgotten_annotator_with_a_pseudonym_is_renamed() -> None:
    gone = without(ANNOTATOR, "a17", pseudonym="anonymous-1")

    judged = planned(fetched(Came(0, verdict_value())), forgotten=gone)
    reliable = planned(fetched(Came(0, VALUES[RELIABILITY.name]), topic=RELIABILITY.name), forgotten=gone)

    assert judged.added["annotations"][0]["annotator"] == "anonymous-1"
    assert list(reliable.keyed["reliability"]) == [("ads-safety", "anonymous-1")]


@pytest.mark.parametrize("peer_of", ["a18", "a17"])
def test_a_signal_about_a_pair_goes_when_either_is_forgotten(peer_of: str) -> None:
    found = planned(fetched(Came(0, VALUES[SIGNALS.name]), topic=SIGNALS.name), forgotten=without(ANNOTATOR, peer_of))

    assert "signals" not in found.added


@pytest.mark.parametrize("name", ["a18", "a17"])
def test_an_alert_about_a_forgotten_annotator_goes_with_or_without_a_pseudonym(name: str) -> None:
    gone = without(ANNOTATOR, name, pseudonym="anonymous-1")

    found = planned(fetched(Came(0, VALUES[ALERTS.name]), topic=ALERTS.name), forgotten=gone)

    assert "alerts" not in found.added


def test_a_forgotten_item_is_left_out_and_what_is_made_later_is_not() -> None:
    gone = without(ITEM, "i-204")
    later = verdict_value(occurred_at=(LATER + timedelta(minutes=1)).isoformat())
    other = verdict_value(item=an_item(id="i-205"))

    found = planned(fetched(Came(0, verdict_value()), Came(1, later), Came(2, other)), forgotten=gone)

    assert [row["kafka_offset"] for row in found.added["annotations"]] == [1, 2]
    assert found.advances[0].forgotten == 1


def test_what_has_no_project_and_what_is_withdrawn_are_never_recalled() -> None:
    gone = without(ITEM, "i-204")

    dead = planned(fetched(Came(0, b"{"), topic=DEAD.name), forgotten=gone)
    withdrawn = planned(fetched(Came(0, None), topic=REVIEW.name), forgotten=gone)
    whole = planned(
        fetched(Came(0, VALUES[AGREEMENT.name].replace(b'"annotators":"a17|b|c"', b"")), topic=AGREEMENT.name)
    )

    assert len(dead.added["dead"]) == 1
    assert withdrawn.keyed["reviews"] == {("ads-safety", "i-204"): None}
    assert len(whole.added["readings"]) == 1


def test_a_report_names_no_peer_and_a_pair_is_forgotten_wherever_it_is_read() -> None:
    pair = orjson.dumps(READING_VALUE | {"scope": {"annotators": "a17|a18"}})

    report = planned(fetched(Came(0, VALUES[CONDUCT.name]), topic=CONDUCT.name)).keyed["conduct"]["ads-safety", "a17"]
    reading = planned(fetched(Came(0, pair), topic=AGREEMENT.name), forgotten=without("annotator", "a18"))

    assert report is not None
    assert "a18" not in report["report"]
    assert not reading.keyed.get("readings_now")
    assert not reading.added.get("readings")


@pytest.mark.parametrize(
    ("scope", "named"),
    [
        ({}, ("all", "", "")),
        ({"label": "scam"}, ("label", "scam", "")),
        ({"attribute": "market", "value": "BR"}, ("attribute", "market", "BR")),
        ({"annotators": "a|b"}, ("pair", "a|b", "")),
    ],
)
def test_the_newest_reading_is_found_by_what_it_is_of(scope: dict[str, str], named: tuple[str, str, str]) -> None:
    value = orjson.dumps(READING_VALUE | {"scope": scope})

    found = planned(fetched(Came(0, value), topic=AGREEMENT.name)).keyed["readings_now"]

    ((key, row),) = found.items()
    assert row is not None
    assert (row["kind"], row["subject"], row["subject_value"]) == named
    assert (key[1], key[4], key[5]) == named


def test_a_report_that_is_withdrawn_takes_its_row_along() -> None:
    assert planned(fetched(Came(0, None, b"a:b"), topic=CONDUCT.name)).keyed["conduct"] == {("a", "b"): None}


def test_a_report_without_comparison_or_times_leaves_those_cells_empty() -> None:
    value = orjson.dumps(CONDUCT_VALUE | {"against_consensus": None, "speed": None})

    row = planned(fetched(Came(0, value), topic=CONDUCT.name)).keyed["conduct"]["ads-safety", "a17"]

    assert row is not None
    assert (row["agreement"], row["compared"], row["median_seconds"]) == (None, None, None)


def test_a_withdrawn_contract_is_a_row_without_content() -> None:
    (row,) = planned(fetched(Came(0, None, b"ads-safety"), topic=CONTRACTS.name)).added["contracts"]

    assert (row["project"], row["version"], row["contract"]) == ("ads-safety", None, None)
