"""Records that are sent: split, read, each with its outcome and an id that its content decides."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_services.gateway.core.annotation_bodies import (
    Accepted,
    NotJsonError,
    RefusedRecord,
    TooManyRecordsError,
    judge,
    open_envelopes,
    rows_of,
    split,
)
from tests.support.builders import an_annotation, annotation_input


def raw(**changes: object) -> bytes:
    return orjson.dumps(annotation_input(**changes))


def test_an_object_is_one_record_and_an_array_many() -> None:
    assert split(raw()) == [raw()]
    assert split(orjson.dumps([annotation_input(), 7])) == [raw(), b"7"]


@pytest.mark.parametrize("body", [b"", b"{", b"7", b'"text"', b"null", b"\xff"])
def test_what_is_neither_is_refused(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        split(body)


def test_each_record_has_its_own_outcome_and_place() -> None:
    found = list(judge([raw(), b"{}", raw(label={})]))

    assert [type(one) for one in found] == [Accepted, RefusedRecord, RefusedRecord]
    assert [one.place for one in found] == [0, 1, 2]
    assert isinstance(found[2], RefusedRecord)
    assert found[2].field == "label"


def test_a_record_without_an_id_gets_the_same_one_each_time() -> None:
    plain = annotation_input()
    del plain["id"]
    turned = dict(reversed(plain.items()))

    ids = [one.annotation.id for one in judge([orjson.dumps(plain), orjson.dumps(turned)]) if isinstance(one, Accepted)]

    assert len(ids) == 2
    assert ids[0] == ids[1]


def test_a_record_with_an_id_is_published_byte_by_byte() -> None:
    (found,) = judge([raw()])

    assert isinstance(found, Accepted)
    assert found.row.value == raw()
    assert found.row.key == b"ads-safety:i-204"
    assert ["ce_id", "an-881"] in orjson.loads(found.row.headers)


def test_annotations_of_a_platform_name_it_as_their_source() -> None:
    (row,) = rows_of([an_annotation(source={"platform": "argilla"})])

    assert ["ce_source", "assay/gateway/argilla"] in orjson.loads(row.headers)


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_bytes_have_an_outcome(records: list[bytes]) -> None:
    found = list(judge(records))

    assert [one.place for one in found] == list(range(len(records)))


def test_members_of_an_array_travel_byte_for_byte() -> None:
    members = [b'{ "id" : "a",\t"n":1.0e3 }', b'{"text":"caf\xc3\xa9, ]}\\" ["}', b"[1 , 2]", b"null", b"-0.0"]

    assert split(b" [ " + b" , ".join(members) + b"\n] ") == members
    assert split(b"[]") == split(b"[ \n ]") == []


def test_a_key_that_stands_twice_is_found_wherever_it_stands() -> None:
    twice = raw().replace(b'"label":', b'"label":"scam","label":', 1)
    without_id = twice.replace(b'"id":"an-881",', b"", 1)

    for records in ([twice], split(b"[" + twice + b"]"), [without_id], split(b"[" + without_id + b"]")):
        (found,) = judge(records)
        assert isinstance(found, RefusedRecord)
        assert "stands twice" in found.reason


def test_a_body_of_very_many_records_is_refused_at_once() -> None:
    with pytest.raises(TooManyRecordsError, match="1,000,001 records, and a request at most 10,000"):
        split(b"[0" + b",0" * 1_000_000 + b"]")
    with pytest.raises(NotJsonError, match="nested too deeply"):
        split(b"[" * 1_000 + b"]" * 1_000)


def test_a_cloud_event_is_opened() -> None:
    event = {"specversion": "1.0", "id": "e1", "source": "s", "type": "t", "data": annotation_input()}

    assert [orjson.loads(one) for one in open_envelopes(orjson.dumps(event))] == [annotation_input()]
    assert len(open_envelopes(orjson.dumps([event, event]))) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"id": "a"}', "event 0: a CloudEvent has 'specversion'"),
        (b'[{"specversion": "1.0", "data": "text"}]', "event 0: a CloudEvent has 'specversion', and the annotation"),
        (b'{"specversion": "1.0", "data": {"label": "a", "label": "b"}}', "event 0: a key stands twice"),
        (b"7", "neither a JSON object nor an array"),
    ],
)
def test_an_envelope_that_cannot_be_opened_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(NotJsonError, match=why):
        open_envelopes(body)


def test_an_id_that_is_null_is_replaced() -> None:
    without = {name: value for name, value in annotation_input().items() if name != "id"}
    (null,), (missing,), (empty,) = (list(judge([orjson.dumps(one)])) for one in ({**without, "id": None}, without, {}))

    assert isinstance(null, Accepted)
    assert isinstance(missing, Accepted)
    assert isinstance(empty, RefusedRecord)
    assert len(orjson.loads(null.row.value or b"")["id"]) == 32
