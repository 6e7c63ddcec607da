"""Readings of agreement: by window, label, attribute and pair, merged over partitions."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_models.agreement.contingency import pattern_of
from assay_models.agreement.krippendorff import nominal_alpha
from assay_schemas.agreement import AgreementReading
from assay_schemas.json_data import Json
from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.exchange import Exchange
from tests.services.consensus.records import ALONE, READER, TELLER, Fed, a_validated
from tests.support.builders import NOW, a_contract

LABELS = ("safe", "adult", "scam")
LONG_MS = 600_000
"""Longer than anything waits to be told."""


def some_items(fed: Fed, *, count: int, minutes_apart: float = 0.0) -> None:
    for number in range(count):
        made = (NOW + timedelta(minutes=number * minutes_apart)).isoformat()
        for who in range(3):
            label = LABELS[(number + (who == 2 and number % 4 == 0)) % 3]
            fed.hear(a_validated(item=f"i{number}", annotator=f"w{who}", label=label, occurred_at=made))


def newest(fed: Fed, window: str = "24h", **scope: str) -> dict[str, Any]:
    said = [one for one in fed.values("agreement.rolling") if one["scope"] == scope and one["window"] == window]
    return dict(said[-1])


def test_a_reading_equals_the_formula_on_the_same_annotations() -> None:
    fed = Fed()

    some_items(fed, count=24)
    fed.rest()

    table: dict[Any, int] = {}
    for number in range(24):
        labels = [LABELS[(number + (who == 2 and number % 4 == 0)) % 3] for who in range(3)]
        table[pattern_of(labels)] = table.get(pattern_of(labels), 0) + 1
    expected = nominal_alpha(table)
    reading = AgreementReading.model_validate(newest(fed))
    assert expected is not None
    assert (reading.value, reading.low, reading.high) == (expected.value, expected.low, expected.high)
    assert (reading.items, reading.annotators, reading.coefficient) == (24, 3, "krippendorff-alpha")


def test_a_window_holds_what_is_new_enough() -> None:
    fed = Fed()

    some_items(fed, count=60, minutes_apart=1.0)
    fed.rest()

    assert [newest(fed, window)["items"] for window in ("15m", "1h", "24h")] == [15, 60, 60]


def test_agreement_is_read_by_label_by_attribute_and_by_pair() -> None:
    fed = Fed(a_contract(agreement={"attributes": ["market", "nothing"]}))

    some_items(fed, count=24)
    fed.rest()

    assert newest(fed, label="scam")["value"] is not None
    assert newest(fed, attribute="market", value="BR")["value"] == newest(fed)["value"]
    pair = newest(fed, annotators="w0|w1")
    assert (pair["coefficient"], pair["value"], pair["items"]) == ("cohen-kappa", 1.0, 24)
    assert newest(fed, annotators="w0|w2")["value"] < 1


def test_what_cannot_be_read_is_none_and_not_a_number() -> None:
    fed = Fed()

    fed.hear(a_validated(label="safe"), a_validated(annotator="a2", label="safe"))
    fed.rest()

    reading = newest(fed)
    assert (reading["value"], reading["low"], reading["high"]) == (None, None, None)


@pytest.mark.parametrize(
    ("kind", "labels", "coefficient", "name"),
    [
        ("categorical", LABELS, "fleiss-kappa", "fleiss-kappa"),
        ("categorical", LABELS, "gwet-ac", "gwet-ac1"),
        ("categorical", LABELS, "observed", "observed"),
        ("ordinal", (1, 2, 4), "krippendorff-alpha", "krippendorff-alpha-ordinal"),
        ("ordinal", (1, 2, 4), "gwet-ac", "gwet-ac2-quadratic"),
        ("multilabel", (["safe"], ["safe", "scam"], ["adult"]), "krippendorff-alpha", "krippendorff-alpha-jaccard"),
        ("pairwise", ("left", "right", "tie"), "krippendorff-alpha", "krippendorff-alpha"),
        (
            "spans",
            ([{"start": 0, "end": 4, "label": "person"}], [], [{"start": 2, "end": 6, "label": "place"}]),
            "krippendorff-alpha",
            "krippendorff-alpha-unitizing",
        ),
        (
            "boxes",
            ([{"x": 1, "y": 1, "width": 5, "height": 5, "label": "car"}], [], []),
            "krippendorff-alpha",
            "box-f1",
        ),
    ],
)
def test_every_kind_of_label_has_a_coefficient(kind: str, labels: Json, coefficient: str, name: str) -> None:
    fed = Fed(a_contract(kind, agreement={"coefficient": coefficient}))

    for number in range(12):
        for who in range(3):
            label = labels[(number + (who == 2 and number % 4 == 0)) % 3]
            fed.hear(a_validated(item=f"i{number}", annotator=f"w{who}", label=label))
    fed.rest()

    reading = newest(fed)
    assert reading["coefficient"] == name
    assert reading["low"] <= reading["value"] <= reading["high"]


def test_partitions_are_read_together_by_one_of_them() -> None:
    pool = Fed().pool
    partitions = [Fed(pool=pool, origin=PartitionOrigin(number, 2)) for number in range(2)]

    for number, fed in enumerate(partitions):
        for item in range(5):
            for who in range(2):
                fed.hear(a_validated(item=f"i{number}-{item}", annotator=f"w{who}", label=LABELS[item % 2]))
    for fed in (*partitions, *partitions):
        fed.rest()

    readers = [fed for fed in partitions if fed.values("agreement.rolling")]
    assert len(readers) == 1
    assert newest(readers[0])["items"] == 10


def test_panes_that_no_window_reaches_are_withdrawn() -> None:
    fed = Fed(a_contract(agreement={"windows": ["15m"]}), origin=TELLER)
    some_items(fed, count=2)
    fed.rest()

    late = (NOW + timedelta(days=2)).isoformat()
    fed.hear(a_validated(item="late", occurred_at=late))
    fed.rest()

    minutes = {place[2] for place, _ in fed.pool.all_panes() if place[1] == ("all",)}
    assert len(minutes) == 1


def test_an_annotation_of_an_item_that_no_window_reaches_is_welcome() -> None:
    fed = Fed(a_contract(agreement={"windows": ["15m"]}))
    some_items(fed, count=2)
    fed.rest()
    late = (NOW + timedelta(days=2)).isoformat()
    fed.hear(a_validated(item="late", occurred_at=late))
    fed.rest()

    fed.hear(a_validated(item="i1", annotator="w9", occurred_at=late))
    fed.hear(a_validated(item="i0", annotator="w9", occurred_at=NOW.isoformat()))
    fed.rest()

    assert fed.newest()["votes"] == 4
    assert newest(fed, "15m")["items"] >= 1


@pytest.mark.parametrize("origin", [ALONE, TELLER])
def test_after_a_restart_what_no_window_reaches_counts_nowhere(origin: PartitionOrigin) -> None:
    contract = a_contract(agreement={"windows": ["15m"]})
    fed = Fed(contract, origin=origin)
    some_items(fed, count=3)
    fed.hear(a_validated(item="late", occurred_at=(NOW + timedelta(days=2)).isoformat()))
    fed.rest()

    restarted = Fed(contract, origin=origin, state=fed.state, pool=fed.pool)
    restarted.rest()

    minutes = {place[2] for place, _ in restarted.pool.all_panes() if place[1] == ("all",)}
    assert len(minutes) == (origin == TELLER)
    assert [one["items"] for one in restarted.values("agreement.rolling") if not one["scope"]] == [1] * (
        origin == ALONE
    )


def test_who_reads_a_project_alone_tells_no_panes_and_restarts_without_them() -> None:
    fed = Fed()
    some_items(fed, count=24)
    fed.rest()

    restarted = Fed(state=fed.state)
    restarted.rest()

    assert fed.values("agreement.panes") == restarted.values("agreement.panes") == []
    assert without_time(newest(restarted)) == without_time(newest(fed))
    assert without_time(newest(restarted, annotators="w0|w2")) == without_time(newest(fed, annotators="w0|w2"))


def test_panes_that_are_ours_and_not_there_any_more_are_taken_back() -> None:
    pool = Exchange()
    for who in (TELLER, READER):
        key = orjson.dumps(["ads-safety", ["all"], 7, who.partition])
        pool.receive_cell(key, orjson.dumps({"patterns": [[[["safe", 2]], 1]], "annotators": {"w0": 1}, "pairs": []}))

    partitions = [Fed(pool=pool, origin=who) for who in (TELLER, READER)]
    for fed in partitions:
        fed.hear(a_validated())

    assert {place[2] for place, _ in pool.all_panes()} != set()
    assert 7 not in {place[2] for place, _ in pool.all_panes()}


def test_what_was_never_told_is_not_taken_back() -> None:
    fed = Fed(origin=TELLER)

    fed.hear(a_validated(item="i1"))
    later, latest = ((NOW + timedelta(minutes=minutes)).isoformat() for minutes in (1, 2))
    fed.hear(a_validated(item="i2", occurred_at=later))
    fed.hear(a_validated(item="i2", occurred_at=latest, action="deleted", id="gone"))
    fed.rest()

    assert len(fed.values("agreement.panes")) == 1


def test_nothing_is_said_of_a_project_whose_items_have_not_been_taken_up_again() -> None:
    contracts = [a_contract(), a_contract(project="other")]
    pool = Exchange()
    fed = {who: Fed(*contracts, pool=pool, origin=who) for who in (TELLER, READER)}
    for each in fed.values():
        some_items(each, count=24)
        each.rest()

    again = {who: Fed(*contracts, pool=pool, origin=who, state=each.state) for who, each in fed.items()}
    for each in again.values():
        each.hear(a_validated(project="other"))

    assert [value for value in again[TELLER].values("agreement.panes") if value is None] == []
    assert [one for one in again[READER].values("agreement.rolling") if one["project"] == "ads-safety"] == []


def test_another_partitions_newer_panes_replace_its_older_ones() -> None:
    pool = Exchange()
    teller, reader = (Fed(pool=pool, origin=who) for who in (TELLER, READER))
    some_items(teller, count=12)
    teller.rest()
    reader.hear(a_validated(item="other"))
    reader.rest()
    before = newest(reader)["items"], newest(reader, annotators="w0|w2")["value"]

    for number in range(12):
        label = LABELS[number % 3]
        made = (NOW + timedelta(minutes=1)).isoformat()
        teller.hear(a_validated(item=f"i{number}", annotator="w2", label=label, occurred_at=made, id=f"again{number}"))
    teller.rest()
    reader.now += LONG_MS
    reader.rest()

    assert before[0] == newest(reader)["items"] == 12
    assert newest(reader, annotators="w0|w2")["value"] == 1.0 > before[1]


def test_what_another_partition_tells_of_a_minute_that_no_window_reaches_counts_nowhere() -> None:
    pool, contract = Exchange(), a_contract(agreement={"windows": ["15m"]})
    teller, reader = (Fed(contract, pool=pool, origin=who) for who in (TELLER, READER))
    some_items(teller, count=12)
    teller.rest()
    reader.hear(a_validated(item="other", occurred_at=NOW.isoformat()))
    reader.rest()
    before = newest(reader, "15m")["items"]

    late = (NOW + timedelta(days=2)).isoformat()
    reader.hear(a_validated(item="late", occurred_at=late, at=reader.now + LONG_MS))
    teller.hear(a_validated(item="i1", annotator="w9", occurred_at=NOW.isoformat(), at=teller.now + LONG_MS))
    reader.now += LONG_MS
    reader.rest()

    assert (before, newest(reader, "15m")["items"]) == (12, 1)


def test_what_nothing_is_left_of_has_a_last_word() -> None:
    fed = Fed(a_contract(agreement={"attributes": ["market"], "windows": ["15m"]}))
    some_items(fed, count=6)
    fed.rest()
    before = newest(fed, "15m", attribute="market", value="BR")["items"]

    later: dict[str, Any] = {"action": "deleted", "occurred_at": (NOW + timedelta(minutes=1)).isoformat()}
    fed.hear(*(a_validated(item=f"i{item}", annotator=f"w{who}", **later) for item in range(6) for who in range(3)))
    fed.now += LONG_MS
    fed.rest()

    last = newest(fed, "15m", attribute="market", value="BR")
    assert (before, last["items"], last["annotators"], last["value"]) == (6, 0, 0, None)
    assert [one["items"] for one in fed.values("agreement.rolling") if "attribute" in one["scope"]].count(0) == 1


changes = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 3), st.sampled_from([*LABELS, None]), st.integers(0, 3)), max_size=60
)


@settings(max_examples=30, deadline=None)
@given(changes=changes)
def test_the_readings_do_not_depend_on_how_many_partitions_there_are(
    changes: list[tuple[int, int, str | None, int]],
) -> None:
    contract = a_contract(agreement={"attributes": ["market"]})
    pool, alone = Exchange(), Fed(contract)
    three = [Fed(contract, pool=pool, origin=PartitionOrigin(number, 3)) for number in range(3)]

    anchor = (0, 0, "safe", 4)  # a minute that nothing is left of may have been seen by the one and not by the others
    for number, (item, who, label, minute) in enumerate([*changes, anchor]):
        made = (NOW + timedelta(minutes=minute)).isoformat()
        said: dict[str, Any] = {"label": label or "safe", "action": "created" if label else "deleted"}
        record = a_validated(item=f"i{item}", annotator=f"w{who}", occurred_at=made, id=f"n{number}", **said)
        alone.hear(record)
        three[item % 3].hear(record)
    for fed in (alone, *three, *three, *three):
        fed.rest()
        fed.now += LONG_MS

    assert last_readings(alone) == last_readings(*three)


def last_readings(*partitions: Fed) -> dict[str, Any]:
    """Return what was said last of everything that is left, but for when.

    Whether anything was said of what is gone depends on whether somebody looked while it was there.
    """
    said = [one for fed in partitions for one in fed.values("agreement.rolling")]
    last = {f"{one['coefficient']} {one['window']} {one['scope']}": without_time(one) for one in said}
    assert all((one["annotators"], one["value"]) == (0, None) for one in last.values() if not one["items"])
    return {what: one for what, one in last.items() if one["items"]}


def without_time(reading: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if name != "as_of"}
