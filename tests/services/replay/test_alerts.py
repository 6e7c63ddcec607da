"""A replay judges alerts with the same cores: the same file gives the same transitions."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from assay_schemas.alert import Alert
from assay_schemas.alert_rule import Metric
from assay_services.alerts.core.observers import SOURCES, topics_looked_at
from assay_services.demo.simulator import LABELS, PROJECT, Simulator
from assay_services.ingest.file_readers import read_annotations
from assay_services.replay.run import replay
from assay_services.validator.core.step import ValidatorProject
from assay_services.validator.projects import load_project
from tests.support.builders import a_contract

BEGAN = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SECONDS_APART = 2.5
HOURS = 3
NOW = 1_800_000_000_000
RULES = [
    {"id": "conduct", "metric": "signal", "severity": "critical"},
    {"id": "agreement-low", "metric": "agreement", "below": 0.5, "for": "10m", "where": {"window": "15m"}},
    {"id": "rejected", "metric": "rejection-share", "above": 0.03, "where": {"window": "30m", "annotator": "*"}},
    {"id": "quiet", "metric": "rejection-share", "absent": "20m"},
]


def some_hours(path: Path) -> None:
    """Write hours of work, with a pause of half an hour in the second one."""
    simulator, made = Simulator(11), []
    for number in range(int(HOURS * 3_600 / SECONDS_APART)):
        at = BEGAN + timedelta(seconds=number * SECONDS_APART)
        if not BEGAN + timedelta(minutes=70) < at < BEGAN + timedelta(minutes=100):
            made.append(simulator.event(at, over=number * SECONDS_APART / 3_600 / HOURS))
    path.write_bytes(b"\n".join(made))


def alerts_of(path: Path, folder: Path, *, tmp_path: Path) -> bytes:
    replayed(path, folder, tmp_path=tmp_path)
    return (folder / "alerts.jsonl").read_bytes()


def replayed(path: Path, folder: Path, *, tmp_path: Path, watched: bool = True) -> dict[str, bytes]:
    """Replay a file; return what lies in each file of the folder then."""
    contract = a_contract(project=PROJECT, label={"values": list(LABELS)}, alerts=RULES)
    loaded = load_project(contract, tmp_path)
    assert loaded is not None
    projects: dict[str, ValidatorProject] = {PROJECT: loaded}
    records = read_annotations(path, contract)
    for _ in replay(records, projects=projects, folder=folder, now=NOW, watched=watched):
        pass
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_a_replay_writes_alerts_and_the_same_file_gives_the_same(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    some_hours(path)

    first = alerts_of(path, tmp_path / "one", tmp_path=tmp_path)
    second = alerts_of(path, tmp_path / "two", tmp_path=tmp_path)

    assert first == second
    alerts = [Alert.model_validate(orjson.loads(line)) for line in first.splitlines()]
    who = {one.labels["annotator"].partition("-")[0] for one in alerts if one.rule == "conduct"}
    assert {"spammer", "bot"} <= who
    assert "careful" not in who
    quiet = [(one.state.value, (one.at - BEGAN) / timedelta(minutes=1)) for one in alerts if one.rule == "quiet"]
    assert quiet == [("firing", 90.0), ("resolved", 100.0)]


def test_without_a_watch_the_labels_are_the_same_and_nothing_of_an_earlier_watch_is_left(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(Simulator(5).event(BEGAN + timedelta(seconds=n), over=0.0) for n in range(600)))
    watched = replayed(path, tmp_path / "out", tmp_path=tmp_path)

    labels = replayed(path, tmp_path / "out", tmp_path=tmp_path, watched=False)

    assert watched.keys() - labels.keys() == {"alerts.jsonl", "annotators.conduct.jsonl", "annotators.signals.jsonl"}
    assert labels == {name: watched[name] for name in labels}
    assert labels["items.consensus.jsonl"]


def test_only_topics_that_a_rule_looks_at_are_read() -> None:
    asked = {metric: topics_looked_at([a_contract(alerts=[_a_rule(metric)])]) for metric in Metric}
    silent = a_contract(alerts=[{**_a_rule(Metric.AGREEMENT), "enabled": False}])

    assert all(asked.values())
    assert asked[Metric.REVIEW_SHARE] == {"items.consensus"}
    assert asked[Metric.LAG] == {"annotations.validated"}
    assert set().union(*asked.values()) == SOURCES.keys()
    assert topics_looked_at([silent]) == set()


def _a_rule(metric: Metric) -> dict[str, Any]:
    needed = {
        Metric.SIGNAL: {},
        Metric.LABEL_SHARE: {"above": 0.5, "where": {"label": "safe"}},
        Metric.FINDING_RATE: {"above": 0.5, "where": {"rule": "too-fast"}},
    }
    return {"id": "one", "metric": metric, **needed.get(metric, {"above": 0.5})}
