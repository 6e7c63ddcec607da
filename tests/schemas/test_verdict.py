"""Verdicts: what travels after an annotation was judged."""

import pytest
from pydantic import ValidationError

from assay_schemas.verdict import Finding, ModelScore, RejectedAnnotation, RuleAction, ValidatedAnnotation
from tests.support.builders import a_score, an_annotation


@pytest.mark.parametrize("verdict", [ValidatedAnnotation, RejectedAnnotation])
def test_a_verdict_survives_json(verdict: type[ValidatedAnnotation | RejectedAnnotation]) -> None:
    found = Finding(rule="known-label", action=RuleAction.REJECT, message="no", path="label")
    said = verdict(
        annotation=an_annotation(),
        findings=[found],
        score=ModelScore.model_validate(a_score()._asdict()),
        contract_version=7,
    )

    again = verdict.model_validate_json(said.model_dump_json())

    assert again == said


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_probability_is_a_share(share: float) -> None:
    with pytest.raises(ValidationError):
        ModelScore.model_validate(a_score(label_probability=share)._asdict())
