"""Label contracts: what is read, what is refused, and in which words."""

from typing import Any

import pytest
from pydantic import ValidationError

from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.rules import BUILT_IN, ExpressionRule
from assay_schemas.json_data import Json
from tests.support.builders import LABELS, a_contract, contract_input

OPTIONS: dict[str, dict[str, Any]] = {
    "required-fields": {"fields": ["text"]},
    "too-fast": {"lead_time_below_seconds": 1},
    "too-slow": {"lead_time_above_seconds": 600},
}


def problems(kind: str = "categorical", /, **changes: Json) -> list[tuple[str, str, str]]:
    """Return field, type and message of all that is wrong with a contract."""
    with pytest.raises(ValidationError) as caught:
        LabelContract.model_validate(contract_input(kind, **changes))
    return [(".".join(map(str, one["loc"])), one["type"], one["msg"]) for one in caught.value.errors()]


@pytest.mark.parametrize("kind", LABELS)
def test_a_contract_of_each_kind_survives_json(kind: str) -> None:
    rules = [{"id": name, **OPTIONS.get(name, {})} for name in BUILT_IN]
    contract = a_contract(kind, rules=[*rules, {"id": "own", "when": "true"}])

    again = LabelContract.model_validate_json(contract.model_dump_json())

    assert again == contract
    assert [type(rule) for rule in again.rules] == [*BUILT_IN.values(), ExpressionRule]


def test_rules_may_be_given_as_rules() -> None:
    contract = a_contract(rules=[{"id": "too-fast", "lead_time_below_seconds": 2}, {"id": "own", "when": "true"}])

    again = contract_input(rules=list(contract.rules))

    assert LabelContract.model_validate(again) == contract


def test_an_unknown_kind_of_label_is_refused() -> None:
    found = problems(label={"kind": "sentiment"})

    assert [(field, problem) for field, problem, _ in found] == [("label", "union_tag_invalid")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"label": {"colour": "red"}}, "label.categorical.colour"),
        ({"rules": [{"id": "known-label", "colour": "red"}]}, "rules.0.known-label.colour"),
        ({"rules": [{"id": "own", "when": "true", "colour": "red"}]}, "rules.0.expression.colour"),
        ({"model": {"path": "m.onnx", "colour": "red"}}, "model.colour"),
        ({"consensus": {"colour": "red"}}, "consensus.colour"),
        ({"close": {"colour": "red"}}, "close.colour"),
    ],
)
def test_an_unknown_field_is_refused(changes: dict[str, Any], field: str) -> None:
    assert [(where, problem) for where, problem, _ in problems(**changes)] == [(field, "extra_forbidden")]


@pytest.mark.parametrize(
    ("rule_id", "message"),
    [
        ("known-labels", "there is no built-in rule 'known-labels'; did you mean 'known-label'?"),
        ("to-fast", "there is no built-in rule 'to-fast'; did you mean 'too-fast'?"),
        ("zzz", "there is no built-in rule 'zzz'; a rule of your own needs a CEL expression under 'when'"),
    ],
)
def test_an_unknown_rule_is_refused_with_the_nearest_name(rule_id: str, message: str) -> None:
    found = problems(rules=[{"id": "known-label"}, {"id": rule_id}])

    assert found == [("rules.1", "unknown_rule", message)]


@pytest.mark.parametrize(
    "rule",
    [{}, {"id": None}, {"id": 3}, {"id": []}, {"id": {}}, {"when": "true"}, 3, None, [], "too-fast"],
    ids=str,
)
def test_what_is_no_rule_is_refused(rule: object) -> None:
    found = problems(rules=[rule])

    assert all(field.startswith("rules.0") for field, _, _ in found)


def test_a_rule_stands_once() -> None:
    found = problems(rules=[{"id": "known-label"}, {"id": "known-label", "enabled": False}])

    assert found == [("", "repeated_rule", "rule 'known-label' stands here twice")]


def test_a_rule_of_ones_own_may_not_take_the_name_of_a_built_in_one() -> None:
    found = problems(rules=[{"id": "too-fast", "when": "lead_time_seconds < 1.0"}])

    assert found == [
        ("rules.0.expression", "built_in_id", "'too-fast' is a built-in rule; give your own rule another id")
    ]


@pytest.mark.parametrize("name", OPTIONS)
def test_a_rule_with_options_wants_them(name: str) -> None:
    found = problems(rules=[{"id": name}])

    assert [problem for _, problem, _ in found] == ["missing"]


@pytest.mark.parametrize("name", ["txt", "attributes", "attributes.", "attribute.market", "id"])
def test_a_required_field_is_one_that_items_have(name: str) -> None:
    found = problems(rules=[{"id": "required-fields", "fields": ["text", name]}])

    message = f"'{name}' is no item field; use text, features, media, gold or attributes.NAME"
    assert found == [("rules.0.required-fields", "unknown_item_field", message)]


@pytest.mark.parametrize(("low", "high"), [(5, 5), (5, 1)])
def test_a_scale_rises(low: float, high: float) -> None:
    found = problems("ordinal", label={"low": low, "high": high})

    assert found == [("label.ordinal", "ordinal_range", "low must be below high")]


@pytest.mark.parametrize(
    ("options", "most"),
    [({"min_count": 3}, 2), ({"min_count": 4, "max_count": None}, 3), ({"min_count": 4, "max_count": 9}, 3)],
)
def test_a_count_that_no_label_can_have_is_refused(options: dict[str, Any], most: int) -> None:
    found = problems("multilabel", label=options)

    message = f"no label can have {options['min_count']} values or more: at most {most} are possible"
    assert found == [("label.multilabel", "impossible_count", message)]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("categorical", {"project": ""}),
        ("categorical", {"project": "\ud800"}),
        ("categorical", {"version": 0}),
        ("categorical", {"redundancy": 0}),
        ("categorical", {"label": {"values": []}}),
        ("categorical", {"label": {"values": [True]}}),
        ("categorical", {"model": {"path": ""}}),
        ("categorical", {"model": {"path": "m.onnx", "flag_below": 1.5}}),
        ("categorical", {"consensus": {"accept_at": -0.1}}),
        ("categorical", {"close": {"quiet_hours": 0}}),
        ("categorical", {"close": {"quiet_hours": 1e300}}),
        ("categorical", {"close": {"age_days": 1e300}}),
        ("categorical", {"rules": [{"id": "not-in-future", "tolerance_seconds": -1}]}),
        ("categorical", {"rules": [{"id": "not-in-future", "tolerance_seconds": 1e300}]}),
        ("categorical", {"rules": [{"id": "not-before-project", "began_at": "2026-01-01T00:00:00"}]}),
        ("categorical", {"rules": [{"id": "too-fast", "lead_time_below_seconds": float("nan")}]}),
        ("categorical", {"rules": [{"id": "own", "when": ""}]}),
        ("categorical", {"rules": [{"id": "", "when": "true"}]}),
        ("categorical", {"rules": [{"id": "own", "when": "true ||" * 300}]}),
        ("ordinal", {"label": {"high": float("inf")}}),
        ("ordinal", {"label": {"step": 0}}),
        ("multilabel", {"label": {"min_count": -1}}),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_cannot_be_meant_is_refused(kind: str, changes: dict[str, Any]) -> None:
    assert problems(kind, **changes)


@pytest.mark.parametrize(
    ("kind", "label", "why"),
    [
        ("categorical", {"values": ["spam"]}, "there must be two labels or more to choose from"),
        ("categorical", {"values": ["a", "a"]}, "the label 'a' stands here twice"),
        ("multilabel", {"values": ["a", "b", "a"]}, "the label 'a' stands here twice"),
        ("spans", {"values": ["a", "a"]}, "the label 'a' stands here twice"),
        ("categorical", {"values": ["caf\u00e9", "cafe\u0301"]}, "two labels look the same"),
        (
            "boxes",
            {"values": ["car", "car\u200b"]},
            "the same: 'car' and 'car[U+200B zero width space]'",
        ),
        ("ordinal", {"low": 1, "high": 2, "step": 5}, "a scale from 1 to 2 in steps of 5 has one value"),
    ],
)
def test_labels_that_leave_no_choice_are_refused(kind: str, label: dict[str, Any], why: str) -> None:
    assert [why in message for _, _, message in problems(kind, label=label)] == [True]


@pytest.mark.parametrize("kind", ["multilabel", "spans", "boxes"])
def test_one_label_is_a_choice_where_it_may_be_left_out(kind: str) -> None:
    assert a_contract(kind, label={"values": ["only"], **({"max_count": None} if kind == "multilabel" else {})})
