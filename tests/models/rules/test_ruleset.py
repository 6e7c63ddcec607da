"""Which rules are in force, and what they do together."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from assay_models.consistency.label_score import Score
from assay_models.rules.ruleset import RuleProblem, compile_contract
from assay_schemas.annotation import Annotation
from assay_schemas.verdict import Finding
from tests.models.rules.judged import findings, places, with_rule
from tests.support.builders import LABELS, NOW, a_contract, an_annotation, an_item, circumstances

ALL_RULES: list[dict[str, Any]] = [
    {"id": "required-fields", "fields": ["text", "features", "media", "gold", "attributes.market"]},
    {"id": "too-fast", "lead_time_below_seconds": 1.5},
    {"id": "too-slow", "lead_time_above_seconds": 600},
    {"id": "faster-than-reading", "shortest_words": 1},
    {"id": "annotator-allowed", "allow": ["a"], "deny": ["b"]},
    {"id": "own-text", "when": "item.text.size() > 3 && item.text.matches(item.id)"},
    {"id": "own-attribute", "when": "attributes[item.id] == 'x' || item.attributes.market == 'BR'"},
    {"id": "own-media", "when": "item.media.width > 3 || item.features[0] > 1.0"},
    {"id": "own-label", "when": "label == item.gold"},
    {"id": "own-time", "when": "lead_time_seconds < 1.0 && annotator.kind == 'model'"},
]
RULES = {kind: compile_contract(a_contract(kind, rules=ALL_RULES)) for kind in LABELS}
FINDINGS = TypeAdapter(list[Finding])

ids = st.text(min_size=1, max_size=8)
words = st.sampled_from(["safe", "left", "car", "person", ""]) | st.text(max_size=20)
wholes = st.integers(-(2**53), 2**53)
numbers = st.floats(allow_nan=False, allow_infinity=False)
spans = st.fixed_dictionaries(
    {"start": wholes | st.integers(-1, 9), "end": wholes | st.integers(-1, 9), "label": words}
)
boxes = st.fixed_dictionaries({"x": numbers, "y": numbers, "width": numbers, "height": numbers, "label": words})
labels = st.one_of(st.none(), words, wholes, numbers, *(st.lists(part, max_size=4) for part in (words, spans, boxes)))
medias = st.fixed_dictionaries(
    {"uri": st.text(max_size=9)}, optional={"width": st.integers(1, 2**53), "height": st.integers(1, 2**53)}
)
items = st.fixed_dictionaries(
    {"id": ids},
    optional={
        "text": st.none() | st.text(max_size=40),
        "features": st.none() | st.lists(numbers, max_size=4),
        "media": st.none() | medias,
        "gold": labels,
        "attributes": st.dictionaries(st.sampled_from(["market", "x"]) | st.text(max_size=5), st.text(max_size=5)),
    },
)
times = st.datetimes(timezones=st.timezones() | st.just(NOW.tzinfo))
annotations = st.fixed_dictionaries(
    {
        "id": ids,
        "project": ids,
        "item": items,
        "annotator": st.fixed_dictionaries({"id": ids, "kind": st.sampled_from(["human", "model", "adjudicator"])}),
        "action": st.sampled_from(["created", "updated", "deleted", "skipped"]),
        "label": labels,
        "prelabel": labels,
        "occurred_at": times,
        "created_at": st.none() | times,
        "lead_time_seconds": st.none() | numbers,
    }
)
scores = st.none() | st.builds(
    Score,
    label_probability=st.floats(0, 1),
    predicted=words,
    predicted_probability=st.floats(0, 1),
    below_threshold=st.booleans(),
)


@pytest.mark.parametrize("kind", LABELS)
@settings(max_examples=150, deadline=None)
@given(raw=annotations, score=scores)
def test_no_annotation_breaks_a_rule_set(kind: str, raw: dict[str, Any], score: Score | None) -> None:
    annotation = Annotation.model_validate(raw)

    found = RULES[kind].check(annotation, circumstances(annotation, score=score))

    assert FINDINGS.validate_json(FINDINGS.dump_json(found)) == found


@pytest.mark.parametrize("action", ["deleted", "skipped"])
def test_what_has_no_label_is_spared_the_rules_about_labels(action: str) -> None:
    contract = a_contract(rules=[{"id": "required-fields", "fields": ["text"]}, {"id": "own", "when": "true"}])
    annotation = an_annotation(action=action, label=None, item=an_item(text=None), occurred_at="1999-01-01T00:00:00Z")

    found = places(annotation, contract)

    assert found == [("not-before-project", "occurred_at"), ("required-fields", "item.text")]


def test_a_rule_can_be_turned_off() -> None:
    contract = with_rule(id="known-label", enabled=False)

    found = findings(an_annotation(label="unheard-of"), contract)

    assert found == []


def test_a_rule_of_a_projects_own_can_be_turned_off() -> None:
    contract = with_rule(id="own", when="true", enabled=False)

    found = findings(an_annotation(), contract)

    assert found == []


def test_a_contract_may_change_what_a_default_rule_does_and_says() -> None:
    contract = with_rule(id="known-label", action="count", message="Use the list on page 3.")

    found = findings(an_annotation(label="unheard-of"), contract)

    assert [(one.action, one.message) for one in found] == [("count", "Use the list on page 3.")]


def test_a_rule_for_another_kind_of_label_is_not_in_force() -> None:
    contract = with_rule("categorical", id="span-bounds")

    found = places(an_annotation(label=[{"start": 5, "end": 2, "label": "safe"}]), contract)

    assert found == [("label-kind", "label")]


def test_findings_come_in_the_contracts_order_after_the_default_rules() -> None:
    rules = [{"id": "b", "when": "true"}, {"id": "not-in-future"}, {"id": "a", "when": "true"}]
    annotation = an_annotation(label="unheard-of", occurred_at="2030-01-01T00:00:00Z")

    found = places(annotation, a_contract(rules=rules))

    assert [rule for rule, _ in found] == ["known-label", "b", "not-in-future", "a"]


def test_an_expression_that_does_not_compile_names_its_place() -> None:
    contract = a_contract(rules=[{"id": "not-in-future"}, {"id": "own", "when": "labl == 'safe'"}])

    with pytest.raises(RuleProblem) as caught:
        compile_contract(contract)

    assert (caught.value.index, caught.value.field) == (1, "when")
    assert "labl" in str(caught.value)
