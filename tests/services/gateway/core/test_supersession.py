"""One person's annotations of one item: which counts when they change."""

from datetime import timedelta

import pytest

from assay_schemas.annotation import Annotation, AnnotatorId, ItemId
from assay_services.gateway.core.decode_result import EarlierAnnotation
from assay_services.gateway.core.supersession import Ended, placed, reissued_after, with_endings, with_survivors
from tests.support.builders import NOW, an_annotation, an_item

PLACE = (ItemId("i-204"), AnnotatorId("a17"))
LATER = NOW + timedelta(seconds=5)


def said(number: str, *, after: int = 0, **changes: object) -> Annotation:
    source = {"platform": "label-studio", "project": "3", "annotation": number}
    at = (NOW + timedelta(seconds=after)).isoformat()
    return an_annotation(id=f"{number}@{after}", source=source, occurred_at=at, **changes)


def deleted(number: str, *, after: int = 0) -> Annotation:
    return said(number, after=after, action="deleted", label=None)


@pytest.mark.parametrize("turned", [False, True])
def test_the_newest_survivor_is_said_again_just_after_the_deletion(turned: bool) -> None:  # noqa: FBT001
    older, newer = said("1", after=1), said("2", after=2, label="scam")
    live = [newer, older] if turned else [older, newer]

    found = {one.label: one for one in with_survivors(live, {PLACE: Ended(LATER, "gone")})}

    assert found["safe"] == older
    assert found["scam"].action == "updated"
    assert found["scam"].occurred_at == LATER + timedelta(microseconds=1)
    assert found["scam"].id not in {newer.id, "gone"}


def test_a_survivor_has_the_same_id_however_often_it_is_found_and_another_after_another_deletion() -> None:
    live = [said("1")]

    once, again = (with_survivors(live, {PLACE: Ended(LATER, "gone")}) for _ in range(2))
    otherwise = with_survivors(live, {PLACE: Ended(LATER, "gone-too")})

    assert once == again
    assert once[0].id != otherwise[0].id


@pytest.mark.parametrize(
    "ended", [{}, {PLACE: Ended(NOW - timedelta(1), "long ago")}, {("x", "a17"): Ended(LATER, "e")}]
)
def test_what_no_deletion_came_after_stays_as_it_is(ended: dict[tuple[str, str], Ended]) -> None:
    live = [said("1"), said("2", after=1)]

    assert with_survivors(live, ended) == live


def test_a_skip_that_survives_stays_a_skip() -> None:
    skipped = said("1", action="skipped", label=None)

    found = reissued_after(skipped, after=LATER, because="gone")

    assert found.action == "skipped"


def test_the_newest_deletion_of_a_place_counts() -> None:
    known = {PLACE: Ended(NOW + timedelta(seconds=3), "known")}

    found = with_endings(known, [deleted("1", after=1), deleted("2", after=4), said("3", after=9)])
    older = with_endings(known, [deleted("1", after=1)])

    assert found == {PLACE: Ended(NOW + timedelta(seconds=4), "2@4")}
    assert older == known


def test_an_annotation_that_was_given_to_somebody_else_ends_where_it_was() -> None:
    before = EarlierAnnotation("i-204", "somebody", "ads-safety", NOW)
    moved = said("1", after=9)

    left, stays = placed([moved], lambda _: before)

    assert stays == moved
    assert (left.action, left.item.id, left.annotator.id, left.label) == ("deleted", "i-204", "somebody", None)
    assert left.occurred_at == NOW + timedelta(microseconds=1)
    assert left.source == moved.source


def test_a_deletion_comes_where_the_annotation_was() -> None:
    before = EarlierAnnotation("i-7", "somebody", "ads-safety", NOW)

    (found,) = placed([deleted("1", after=9)], lambda _: before)

    assert (found.item.id, found.annotator.id) == ("i-7", "somebody")
    assert found.item.text is None


def test_what_has_not_moved_and_what_is_not_known_stays_as_it_is() -> None:
    before = EarlierAnnotation("i-204", "a17", "ads-safety", NOW)
    unsourced = an_annotation(item=an_item(id="elsewhere"))

    assert placed([said("1")], lambda _: before) == [said("1")]
    assert placed([said("1")], lambda _: None) == [said("1")]
    assert placed([unsourced], lambda _: before) == [unsourced]
