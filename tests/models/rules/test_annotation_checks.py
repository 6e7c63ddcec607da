"""The built-in rules about the item, the time, the annotator, the gold label and the model."""

from datetime import timedelta
from typing import Any

import pytest

from assay_schemas.json_data import Json
from tests.models.rules.judged import findings, places, with_rule
from tests.support.builders import GOOD, NOW, a_contract, a_score, an_annotation, an_item


def a_time(**later: float) -> str:
    return (NOW + timedelta(**later)).isoformat()


@pytest.mark.parametrize(
    ("fields", "item", "missing"),
    [
        (["text"], {"text": None}, ["text"]),
        (["text"], {"text": ""}, ["text"]),
        (["features", "gold", "media"], {"features": []}, ["features", "gold", "media"]),
        (["attributes.market", "attributes.guideline"], {}, ["attributes.guideline"]),
        (["attributes.market"], {"attributes": {"market": ""}}, ["attributes.market"]),
        (["features"], {"features": [0.0]}, []),
        (["gold"], {"gold": "safe"}, []),
    ],
)
def test_an_item_without_a_required_field_is_objected_to(
    fields: list[str], item: dict[str, Any], missing: list[str]
) -> None:
    contract = a_contract(rules=[{"id": "required-fields", "fields": fields}, {"id": "gold-missed", "enabled": False}])

    found = findings(an_annotation(item=an_item(**item)), contract)

    assert [(one.path, one.message) for one in found] == [
        (f"item.{name}", f"the item has no {name}") for name in missing
    ]


@pytest.mark.parametrize(("seconds", "found"), [(299, []), (300, []), (301, [("not-in-future", "occurred_at")])])
def test_an_annotation_from_the_future_is_objected_to(seconds: int, found: list[object]) -> None:
    annotation = an_annotation(occurred_at=a_time(seconds=seconds))

    assert places(annotation) == found


def test_the_clocks_may_differ_by_as_much_as_the_contract_says() -> None:
    contract = with_rule(id="not-in-future", tolerance_seconds=0)

    found = findings(an_annotation(occurred_at=a_time(seconds=1)), contract)

    assert [one.message for one in found] == ["2026-11-24T12:00:01+00:00 lies in the future"]


def test_an_annotation_from_before_the_project_is_objected_to() -> None:
    contract = with_rule(id="not-before-project", began_at="2026-11-01T00:00:00Z")

    found = findings(an_annotation(occurred_at="2026-10-31T23:59:59Z"), contract)

    assert [(one.path, one.message) for one in found] == [
        ("occurred_at", "2026-10-31T23:59:59+00:00 lies before the project began (2026-11-01T00:00:00+00:00)")
    ]


def test_times_are_compared_across_time_zones() -> None:
    contract = with_rule(id="not-before-project", began_at="2026-11-01T00:00:00Z")

    found = places(an_annotation(occurred_at="2026-10-31T23:00:00-05:00"), contract)

    assert found == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_first_and_the_last_moment_can_be_judged(moment: str) -> None:
    annotation = an_annotation(occurred_at=moment, created_at=moment)

    found = places(annotation, with_rule(id="not-in-future", tolerance_seconds=31_622_400))

    assert [path for _, path in found] == ["occurred_at"]


@pytest.mark.parametrize(
    ("created", "found"),
    [(None, []), (-60, []), (-61, []), (0, [("not-updated-before-created", "occurred_at")])],
)
def test_a_state_older_than_its_annotation_is_objected_to(created: int | None, found: list[object]) -> None:
    moment = None if created is None else a_time(seconds=created)

    assert places(an_annotation(created_at=moment)) == found


@pytest.mark.parametrize(
    ("rule", "seconds", "message"),
    [
        ({"id": "negative-lead-time"}, -0.5, "the time spent is negative (-0.5 s)"),
        ({"id": "negative-lead-time"}, 0, None),
        ({"id": "negative-lead-time"}, None, None),
        (
            {"id": "too-fast", "lead_time_below_seconds": 1.5},
            1.49,
            "answered in 1.49 s; under 1.5 s is too fast",
        ),
        ({"id": "too-fast", "lead_time_below_seconds": 1.5}, 1.5, None),
        ({"id": "too-fast", "lead_time_below_seconds": 1.5}, None, None),
        ({"id": "too-slow", "lead_time_above_seconds": 600}, 601, "took 601 s; over 600 s is too slow"),
        ({"id": "too-slow", "lead_time_above_seconds": 600}, 600, None),
        ({"id": "too-slow", "lead_time_above_seconds": 600}, None, None),
    ],
)
def test_a_lead_time_outside_its_limits_is_flagged(
    rule: dict[str, Any], seconds: float | None, message: str | None
) -> None:
    annotation = an_annotation(lead_time_seconds=seconds)

    found = findings(annotation, with_rule(**rule))

    assert [(one.action, one.path, one.message) for one in found] == (
        [] if message is None else [("flag", "lead_time_seconds", message)]
    )


@pytest.mark.parametrize(
    ("words", "seconds", "flagged"),
    [(20, 1.0, True), (20, 2.0, False), (9, 0.1, False), (20, None, False), (0, 1.0, False)],
)
def test_nobody_answers_faster_than_they_can_read(words: int, seconds: float | None, flagged: bool) -> None:  # noqa: FBT001
    text = " ".join(["word"] * words) if words else None
    contract = with_rule(id="faster-than-reading", words_per_minute=600)

    found = findings(an_annotation(item=an_item(text=text), lead_time_seconds=seconds), contract)

    assert [one.message for one in found] == (["answered in 1 s; reading these 20 words takes 2 s"] if flagged else [])


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({}, None),
        ({"allow": ["a17"]}, None),
        ({"allow": []}, "annotator 'a17' is not on the project's allow list"),
        ({"allow": ["b2"]}, "annotator 'a17' is not on the project's allow list"),
        ({"deny": ["a17"]}, "annotator 'a17' is on the project's deny list"),
        ({"allow": ["a17"], "deny": ["a17"]}, "annotator 'a17' is on the project's deny list"),
    ],
)
def test_only_annotators_the_project_allows_may_label(lists: dict[str, Any], message: str | None) -> None:
    contract = with_rule(id="annotator-allowed", **lists)

    found = findings(an_annotation(), contract)

    assert [(one.path, one.message) for one in found] == ([] if message is None else [("annotator.id", message)])


@pytest.mark.parametrize(("prelabel", "found"), [(None, []), ("scam", []), ("safe", [("prelabel-copied", "count")])])
def test_a_label_that_is_the_prelabel_is_counted(prelabel: str | None, found: list[object]) -> None:
    annotation = an_annotation(prelabel=prelabel)

    assert [(one.rule, one.action) for one in findings(annotation)] == found


@pytest.mark.parametrize(("gold", "found"), [(None, []), ("safe", []), ("scam", [("gold-missed", "label")])])
def test_a_label_that_misses_the_known_right_one_is_flagged(gold: str | None, found: list[object]) -> None:
    annotation = an_annotation(item=an_item(gold=gold))

    assert places(annotation) == found


def test_the_order_of_a_list_does_not_make_a_gold_label_missed() -> None:
    spans = [*GOOD["spans"], {"start": 14, "end": 18, "label": "place"}]

    found = [
        places(
            an_annotation(label=["scam", "safe"], item=an_item(gold=["safe", "scam"])),
            a_contract("multilabel"),
        ),
        places(an_annotation(label=spans, item=an_item(gold=spans[::-1])), a_contract("spans")),
    ]

    assert found == [[], []]


def test_the_message_of_a_missed_gold_label_names_both() -> None:
    annotation = an_annotation(item=an_item(gold="scam"))

    found = findings(annotation)

    assert found[0].message == "'safe' was given; 'scam' is known to be right"


def test_a_label_the_model_finds_improbable_is_flagged() -> None:
    annotation = an_annotation()

    found = findings(annotation, score=a_score())

    assert [(one.rule, one.action, one.message) for one in found] == [
        ("model-disagrees", "flag", "the model gives this label 1.2%, and 'scam' 90.0%")
    ]


@pytest.mark.parametrize("score", [None, a_score(below_threshold=False)])
def test_where_the_model_says_nothing_or_agrees_nothing_is_found(score: Json) -> None:
    annotation = an_annotation()

    assert findings(annotation, score=score) == []
