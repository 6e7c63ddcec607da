"""What is wrong with alert rules is said when the contract is loaded, with the nearest name."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from assay_models.alerting.validation import alert_problems
from assay_schemas.json_data import Json
from assay_services.ingest.contract_files.contract_file import ContractError, load_contract
from tests.support.builders import a_contract

AGREEMENT = {"windows": ["15m", "1h"], "attributes": ["market"]}


def problems(kind: str = "categorical", /, **rule: Json) -> list[str]:
    raw = {"id": "r", "metric": "agreement"} | rule
    contract = a_contract(kind, agreement=AGREEMENT, rules=[{"id": "mine", "when": "true"}], alerts=[raw])
    return [f"{'.'.join(one.field)}: {one.message}" for one in alert_problems(contract)]


@pytest.mark.parametrize(
    "rule",
    [
        {"below": 0.6, "where": {"label": "scam", "window": "1h"}, "for": "10m"},
        {"below": -0.2, "where": {"attribute": "market", "value": "*"}},
        {"changes_by": 1.5},
        {"absent": "2h"},
        {"metric": "rejection-share", "above": 0.2, "where": {"annotator": "*", "label": "*"}},
        {"metric": "label-share", "changes_by": 0.1, "where": {"label": "*", "window": "7d"}},
        {"metric": "finding-rate", "above": 0.1, "where": {"rule": "mine"}},
        {"metric": "finding-rate", "above": 0.1, "where": {"rule": "known-label"}},
        {"metric": "lag", "above": 600},
        {"metric": "review-share", "above": 0.3},
        {"metric": "signal", "where": {"detector": "guessing"}, "above": 1_000},
        {"metric": "signal"},
    ],
)
def test_a_rule_that_fits_its_contract_has_no_problem(rule: dict[str, Any]) -> None:
    assert problems(**rule) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"below": 0.6, "where": {"label": "scan"}}, "where.label: there is no label 'scan'; did you mean 'scam'?"),
        ({"below": 0.6, "where": {"window": "2h"}}, "where.window: there is no window '2h'; there are: 15m, 1h"),
        (
            {"below": 0.6, "where": {"attribute": "country", "value": "BR"}},
            "where.attribute: there is no attribute 'country'; there are: market",
        ),
        ({"below": 0.6, "where": {"attribute": "market"}}, "where: attribute and value stand together"),
        ({"below": 0.6, "where": {"detector": "guessing"}}, "where.detector: 'agreement' is not read by detector"),
        ({"absent": "1h", "where": {"label": "*"}}, "absent: what is absent must be named"),
        ({"below": 60}, "below: agreement lies between -1 and 1; did you mean 0.6?"),
        ({"changes_by": 3}, "changes_by: agreement lies between -1 and 2; did you mean 0.03?"),
        ({"metric": "rejection-share", "above": 5}, "above: a share lies between 0 and 1; did you mean 0.05?"),
        ({"metric": "lag", "above": -1}, "above: a number of seconds lies between 0 and more"),
        ({"metric": "signal", "above": -1}, "above: an e-value lies between 0 and more"),
        ({"metric": "label-share", "above": 0.5}, "where: 'label-share' needs a label here"),
        ({"metric": "finding-rate", "above": 0.5}, "where: 'finding-rate' needs a rule here"),
        (
            {"metric": "finding-rate", "above": 0.5, "where": {"rule": "mime"}},
            "where.rule: there is no rule 'mime'; did you mean 'mine'?",
        ),
        ({"below": 0.1, "inhibited_by": ["r"]}, "inhibited_by: there is no other alert 'r'; there are: none"),
    ],
)
def test_a_rule_that_does_not_fit_is_told_where_and_what_would(rule: dict[str, Any], expected: str) -> None:
    found = problems(**rule)

    assert len(found) == 1
    assert found[0].startswith(expected)


def test_each_label_needs_labels_that_are_listed() -> None:
    found = problems("ordinal", metric="label-share", above=0.5, where={"label": "*"})

    assert found == ["where.label: '*' needs a vocabulary of at most 200 labels"]
    assert problems("ordinal", metric="label-share", above=0.5, where={"label": "4"}) == []
    assert problems("ordinal", below=0.5, where={"label": "4"})[0].startswith("where.label: agreement by label")


@pytest.mark.parametrize(
    "rule",
    [
        {"id": "r", "metric": "agreement"},
        {"id": "r", "metric": "agreement", "below": 0.1, "above": 0.9},
        {"id": "r", "metric": "signal", "below": 0.1},
        {"id": "r", "metric": "agreement", "below": 0.1, "for": "10 minutes"},
        {"id": "r", "metric": "agreement", "below": 0.1, "runbook": "javascript:alert(1)"},
        {"id": "r", "metric": "humour", "below": 0.1},
    ],
)
def test_a_rule_that_is_none_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_contract(alerts=[rule])


def test_an_alert_that_stands_twice_is_refused_and_a_contract_is_written_as_it_is_read() -> None:
    rule = {"id": "r", "metric": "agreement", "below": 0.1, "for": "10m"}
    with pytest.raises(ValidationError, match="alert 'r' stands here twice"):
        a_contract(alerts=[rule, rule])

    contract = a_contract(alerts=[rule])

    assert type(contract).model_validate_json(contract.model_dump_json()) == contract
    assert contract.alerts[0].lasting == "10m"


def test_what_is_wrong_is_told_by_file_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(
        "project: ads\nversion: 1\nlabel: {kind: categorical, values: [safe, scam]}\nalerts:\n"
        "  - {id: fine, metric: agreement, below: 0.5}\n  - id: low\n    metric: agreement\n    below: 0.5\n"
        "    where: {label: scan}\n"
    )

    with pytest.raises(ContractError) as error:
        load_contract(path)

    assert str(error.value) == (f"{path}:9: alerts[1].where.label: there is no label 'scan'; did you mean 'scam'?")


def test_a_misspelt_field_is_told_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(
        "project: ads\nversion: 1\nlabel: {kind: categorical, values: [safe, scam]}\nalerts:\n"
        "  - {id: low, metric: agreement, below: 0.5, four: 10m}\n"
    )

    with pytest.raises(ContractError, match="did you mean 'for'"):
        load_contract(path)
