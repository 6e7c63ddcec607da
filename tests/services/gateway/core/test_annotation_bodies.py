"""Records that are sent: split, read, each with its outcome and an id that its content decides."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_services.gateway.core.annotation_bodies import Accepted, NotJsonError, RefusedRecord, judge, rows_of, split
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
