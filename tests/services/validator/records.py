"""Records as a core sees them, and a project to judge them by."""

from dataclasses import dataclass

import orjson

from assay_models.rules.ruleset import compile_contract
from assay_services.engine.core.core_api import Headers
from assay_services.validator.core.step import BatchOrigin, ConsistencyScorer, ValidatorCore, ValidatorProject
from tests.support.builders import NOW, a_contract, annotation_input

NOW_MS = int(NOW.timestamp() * 1_000)


@dataclass(frozen=True)
class ARecord:
    value: bytes | None
    offset: int = 0
    timestamp: int = NOW_MS
    key: bytes | None = b"k"
    headers: Headers | tuple[()] = ()


def a_record(offset: int = 0, timestamp: int = NOW_MS, **changes: object) -> ARecord:
    return ARecord(orjson.dumps(annotation_input(**changes)), offset, timestamp)


def a_validator(scorer: ConsistencyScorer | None = None, **contract: object) -> ValidatorCore:
    agreed = a_contract(**contract)
    return ValidatorCore(
        {agreed.project: ValidatorProject(compile_contract(agreed), scorer)}, BatchOrigin("annotations", 0)
    )
