"""What conduct forgets of an item or an annotator, and what stays."""

from collections.abc import Mapping

import orjson
import pytest

from assay_services.conduct.core.erase import forget
from assay_services.engine.core.erasure_request import Erasure, ErasureRequest
from assay_services.engine.core.state import PartitionState
from tests.services.conduct.core.test_step import Watched, batches, judged
from tests.services.consensus.records import ARecord

A_LONG_TIME = 2**61
NOTHING: Mapping[str, Mapping[bytes, bytes]] = {"annotators.conduct": {}}


def the_newcomers(name: str, item: str) -> ARecord:
    """Return a judged item with one annotation more, of somebody who has made no other."""
    record = judged(1)[0]
    value = orjson.loads(record.value or b"")
    value["item"] = item
    value["annotations"].append({**value["annotations"][0], "annotator": name, "annotation": f"an-{name}-{item}"})
    return ARecord(orjson.dumps(value), timestamp=record.timestamp, offset=10_000)


@pytest.fixture(params=["written", "in the diary"])
def watched(request: pytest.FixtureRequest) -> Watched:
    """Return a conduct that knows w0 to w3, and `newcomer` by one annotation; what it knows is written, or is not."""
    found = Watched()
    for batch in batches([*judged(), the_newcomers("newcomer", "i-new")]):
        found.take(batch)
    if request.param == "written":
        found.rest(A_LONG_TIME)
    return found


def whom(name: str, *, pseudonym: str | None = None, project: str | None = "ads-safety") -> ErasureRequest:
    return ErasureRequest(is_item=False, project=project, name=name, pseudonym=pseudonym)


def an_item(name: str, *, project: str = "ads-safety") -> ErasureRequest:
    return ErasureRequest(is_item=True, project=project, name=name)


def remembered(state: PartitionState) -> bytes:
    return b"\n".join(part for each in state.values() for part in each).replace(b"\\", b"")


def after(state: PartitionState, change: Erasure) -> bytes:
    state.apply_stored(change.stored)
    Watched(state).rest(A_LONG_TIME + 1)  # what is left can be read
    return remembered(state)


@pytest.mark.parametrize("name", ["w3", "newcomer"])
@pytest.mark.parametrize("project", ["ads-safety", None])
def test_an_annotator_is_forgotten_by_peers_as_well(watched: Watched, name: str, project: str | None) -> None:
    assert f'"{name}"'.encode() in remembered(watched.state)

    left = after(watched.state, forget(watched.state, NOTHING, whom(name, project=project)))

    assert f'"{name}"'.encode() not in left
    assert b'"w1"' in left


@pytest.mark.parametrize("name", ["w3", "newcomer"])
def test_under_a_pseudonym_everything_stays_but_the_name(watched: Watched, name: str) -> None:
    before = remembered(watched.state).replace(f'"{name}"'.encode(), b'"anonymous-1"')

    left = after(watched.state, forget(watched.state, NOTHING, whom(name, pseudonym="anonymous-1")))

    assert sorted(left.split(b"\n")) == sorted(before.split(b"\n"))


@pytest.mark.parametrize("item", ["i119", "i-new"])
def test_an_item_is_forgotten_by_all_annotators(watched: Watched, item: str) -> None:
    assert f'"{item}"'.encode() in remembered(watched.state)

    left = after(watched.state, forget(watched.state, NOTHING, an_item(item)))

    assert f'"{item}"'.encode() not in left
    assert b'"i118"' in left


@pytest.mark.parametrize(
    "stranger", [whom("nobody"), whom("w3", project="another"), an_item("none"), an_item("i119", project="another")]
)
def test_who_is_not_known_changes_nothing(watched: Watched, stranger: ErasureRequest) -> None:
    assert not forget(watched.state, NOTHING, stranger)


def test_reports_are_taken_back_and_those_of_peers_written_anew(watched: Watched) -> None:
    watched.rest(A_LONG_TIME * 2)
    reports = {
        one.key: one.value
        for one in watched.said
        if one.topic == "annotators.conduct" and one.key is not None and one.value is not None
    }
    published = {"annotators.conduct": reports}

    removed = forget(watched.state, published, whom("w3")).outputs
    renamed = forget(watched.state, published, whom("w3", pseudonym="anonymous-1")).outputs

    assert {one.key for one in removed} == {b"ads-safety:w0", b"ads-safety:w1", b"ads-safety:w2", b"ads-safety:w3"}
    assert [one.key for one in removed if one.value is None] == [b"ads-safety:w3"]
    assert all(b'"w3"' not in (one.value or b"") for one in (*removed, *renamed))
    assert b"ads-safety:anonymous-1" in {one.key for one in renamed}
    assert not forget(watched.state, published, whom("w3", project="another")).outputs
    assert not forget(watched.state, published, whom("nobody")).outputs
    assert not forget(watched.state, published, an_item("i119")).outputs
