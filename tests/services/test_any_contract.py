"""No contract that passes the check, and no records, make a core raise: through all cores, one after the other.

Run it for an hour by hand: `pytest tests/services/test_any_contract.py --hypothesis-seed=random -p no:cacheprovider`
with `HYPOTHESIS_EXAMPLES=100000`.
"""

import os
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from assay_models.rules.ruleset import RuleProblem, compile_contract
from assay_models.truth.factory import make_truth
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.contract.label_kinds import (
    CategoricalLabel,
    MultilabelLabel,
    OrdinalLabel,
    PairwiseLabel,
    SpansLabel,
)
from assay_schemas.topics import JUDGED
from assay_services.alerts.core.observers import SOURCES, Observer
from assay_services.alerts.core.step import AlertsCore
from assay_services.conduct.core.step import ConductCore
from assay_services.consensus.core.convergence import run_until_converged
from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.exchange import Exchange
from assay_services.consensus.core.step import ConsensusCore, ConsensusProject
from assay_services.engine.core.core_api import NotYet, Output
from assay_services.engine.core.state import PartitionState
from assay_services.validator.core.step import BatchOrigin, ValidatorCore, ValidatorProject
from tests.services.validator.records import NOW_MS, ARecord

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "80"))
IS_FIXED = "HYPOTHESIS_EXAMPLES" not in os.environ
"""The suite tries the same examples each time; by hand they are new ones."""
NAMES = st.sampled_from(
    ["a", "b", "c", "é", "e\u0301", "A", "a ", "yes", "1", "x" * 50, "\u200b", "😀", "a|b", "p:q", "%"]
)
NUMBERS = st.one_of(st.integers(-3, 12), st.floats(-3, 12, allow_nan=False), st.just(0.30000000000000004))
SPANS = st.fixed_dictionaries({"start": st.integers(-1, 9), "end": st.integers(-1, 30), "label": NAMES})
BOXES = st.fixed_dictionaries({name: st.floats(-5, 700) for name in ("x", "y", "width", "height")} | {"label": NAMES})
LABELS = st.one_of(
    NAMES, NUMBERS, st.sampled_from(["left", "right", "tie"]), st.lists(NAMES, max_size=4), st.lists(SPANS, max_size=3),
    st.lists(BOXES, max_size=3),
)  # fmt: skip
VALUES = st.lists(NAMES, min_size=1, max_size=5)
KINDS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"kind": st.just("categorical"), "values": VALUES}),
    st.fixed_dictionaries(
        {"kind": st.just("multilabel"), "values": VALUES},
        optional={"min_count": st.integers(0, 3), "max_count": st.integers(0, 4)},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("ordinal"), "low": st.integers(-2, 3), "high": st.integers(0, 100)},
        optional={"step": st.sampled_from([None, 0.1, 0.5, 1, 7])},
    ),
    st.fixed_dictionaries({"kind": st.just("pairwise"), "ties": st.booleans()}),
    st.fixed_dictionaries({"kind": st.just("spans"), "values": VALUES, "overlap": st.booleans()}),
    st.fixed_dictionaries({"kind": st.just("boxes"), "values": VALUES}),
)
ALERTS: st.SearchStrategy[list[Any]] = st.lists(
    st.sampled_from([
        {"id": "low", "metric": "agreement", "below": 0.9},
        {"id": "rejections", "metric": "rejection-share", "above": 0.1, "at_least": 1},
        {"id": "mix", "metric": "review-share", "above": 0.1, "at_least": 1},
        {"id": "quiet", "metric": "rejection-share", "absent": "1h"},
        {"id": "conduct", "metric": "signal"},
    ]), unique_by=lambda rule: str(rule["id"]), max_size=3,
)  # fmt: skip
CONTRACTS = st.fixed_dictionaries(
    {"label": KINDS, "alerts": ALERTS},
    optional={
        "redundancy": st.integers(1, 3),
        "consensus": st.fixed_dictionaries(
            {},
            optional={"accept_at": st.floats(0, 1), "correct_votes": st.integers(2, 3), "half_life_days": st.just(0.1)},
        ),
        "agreement": st.fixed_dictionaries(
            {},
            optional={
                "coefficient": st.sampled_from(["krippendorff-alpha", "fleiss-kappa", "gwet-ac", "observed"]),
                "attributes": st.just(["market"]),
            },
        ),
    },
)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "item": st.sampled_from(["i1", "i2", "i:3"]),
            "who": NAMES,
            "label": LABELS,
            "fitting": st.one_of(st.integers(0, 9), st.integers(0, 9), st.none()),
            "minute": st.integers(0, 5_000),
        },
        optional={
            "gold": LABELS,
            "prelabel": LABELS,
            "kind": st.sampled_from(["human", "model", "adjudicator"]),
            "action": st.sampled_from(["created", "updated", "deleted", "skipped"]),
            "market": NAMES,
        },
    ),
    min_size=1,
    max_size=12,
)


def contract_of(version: int, given: dict[str, Any]) -> LabelContract | None:
    """Return a contract, or None for one that the check refuses."""
    try:
        contract = LabelContract.model_validate({"project": "p:1", "version": version, **given})
        compile_contract(contract)
    except (ValidationError, RuleProblem):
        return None
    return contract


def fitting(contract: LabelContract, number: int) -> object:
    """Return one of the labels that the contract has."""
    kind = contract.label
    if isinstance(kind, PairwiseLabel):
        return ("left", "right")[number % 2]
    if isinstance(kind, OrdinalLabel):
        steps = int((kind.high - kind.low) / (kind.step or 0.25)) + 1
        return round(kind.low + number % steps * (kind.step or 0.25), 9)
    value = kind.values[number % len(kind.values)]
    if isinstance(kind, CategoricalLabel):
        return value
    if isinstance(kind, MultilabelLabel):
        return kind.values[: max(kind.min_count, number % (1 + (kind.max_count or len(kind.values))))]
    if isinstance(kind, SpansLabel):
        return [{"start": number % 3, "end": 4, "label": value}]
    return [{"x": number, "y": 1, "width": 5, "height": 5, "label": value}]


def record_of(number: int, one: dict[str, Any], contract: LabelContract) -> ARecord:
    occurred = 1_795_000_000 + one["minute"] * 60
    value = {
        "id": f"n{number}", "project": "p:1", "action": one.get("action", "created"),
        "label": one["label"] if one["fitting"] is None else fitting(contract, one["fitting"]),
        "prelabel": one.get("prelabel"), "annotator": {"id": one["who"], "kind": one.get("kind", "human")},
        "item": {"id": one["item"], "text": "some text", "gold": one.get("gold"),
                 "attributes": {"market": one["market"]} if "market" in one else {}},
        "occurred_at": f"2026-11-{10 + one['minute'] % 14:02}T{one['minute'] % 24:02}:00:00Z",
        "lead_time_seconds": float(one["minute"] % 40),
    }  # fmt: skip
    return ARecord(orjson.dumps(value), offset=number, timestamp=max(NOW_MS, occurred * 1_000))


class AllCores:
    """Every core of one partition, each fed with what the ones before it publish."""

    def __init__(self) -> None:
        self.rules: dict[Any, ValidatorProject] = {}
        self.contracts: dict[Any, LabelContract] = {}
        self.projects: dict[Any, ConsensusProject] = {}
        self.states = {name: PartitionState() for name in ("validator", "consensus", "conduct", "alerts")}
        self.pool = Exchange()
        self.now = NOW_MS
        self.restart()

    def restart(self) -> None:
        self.validator = ValidatorCore(self.rules, BatchOrigin("annotations", 0))
        self.consensus = ConsensusCore(self.projects, self.pool, PartitionOrigin(0, 1), self.states["consensus"])
        self.conduct = ConductCore(self.contracts, self.states["conduct"])
        self.observers = {topic: Observer(self.contracts, f"{topic}/0", take) for topic, take in SOURCES.items()}
        self.alerts = AlertsCore(self.contracts, self.states["alerts"])

    def adopt(self, contract: LabelContract) -> None:
        self.rules[contract.project] = ValidatorProject(compile_contract(contract))
        self.contracts[contract.project] = contract
        self.projects[contract.project] = ConsensusProject(contract, make_truth)

    def feed(self, *records: ARecord) -> None:
        self.now = max(self.now, *(one.timestamp for one in records))
        said = self._step("validator", self.validator, records)
        said += self._step("consensus", self.consensus, self._on("annotations.validated", said))
        for now, step in run_until_converged(self.consensus, self.now):
            self.now = now
            self.states["consensus"].apply(step.changes)
            said += step.outputs
        said += self._step("conduct", self.conduct, self._on(JUDGED.name, said))
        for topic, observer in self.observers.items():
            observed = self._step("validator", observer, self._on(topic, said))
            self._step("alerts", self.alerts, self._on("alerts.observed", observed))
        self.alerts.idle(self.now + 10_000_000)

    def _step(self, name: str, core: Any, records: Any) -> list[Output]:  # noqa: ANN401  # any core
        if not records:
            return []
        state = self.states[name] if core is not None else PartitionState()
        while True:
            try:
                step = core.step(state, records)
            except NotYet:
                continue
            break
        assert sum(step.verdicts.values()) == len(records)
        state.apply(step.changes)
        return list(step.outputs)

    def _on(self, topic: str, said: list[Output]) -> list[ARecord]:
        return [
            ARecord(one.value, offset=place, timestamp=self.now, key=one.key)
            for place, one in enumerate(said)
            if one.topic == topic and one.value is not None
        ]


@settings(max_examples=EXAMPLES, derandomize=IS_FIXED, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(CONTRACTS, RECORDS, st.booleans()), min_size=1, max_size=3))
def test_nothing_that_is_accepted_makes_a_core_raise(lived: list[tuple[dict[str, Any], Any, bool]]) -> None:
    cores, number = AllCores(), 0
    for version, (given_contract, records, restarts) in enumerate(lived, 1):
        contract = contract_of(version, given_contract)
        if contract is None:
            continue
        cores.adopt(contract)
        if restarts:
            cores.restart()
        cores.feed(*(record_of(number + place, one, contract) for place, one in enumerate(records)))
        number += len(records)
