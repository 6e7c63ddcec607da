"""The same records, whether through Kafka or from the file."""

import asyncio
import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import time_ns

import pytest

from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import REJECTED, VALIDATED
from assay_services.audit.topics import audit
from assay_services.demo.simulator import LABELS, PROJECT, Simulator
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.file_readers import read_annotations
from assay_services.ingest.importer import bookmark_of, send_records
from assay_services.replay.run import replay
from assay_services.validator.core.step import BatchOrigin, ValidatorCore, ValidatorProject
from assay_services.validator.projects import load_project
from tests.support.kafka_io import running, take, until_all_judged


def contract_of(project: str, values: list[str]) -> LabelContract:
    return LabelContract.model_validate(
        {"project": project, "version": 1, "label": {"kind": "categorical", "values": values}}
    )


async def through_kafka(
    path: Path, contract: LabelContract, projects: Mapping[str, ValidatorProject], settings: RuntimeSettings
) -> dict[str, list[bytes]]:
    await ensure_topics(settings)
    records = read_annotations(path, contract)
    await send_records(records, settings, bookmark=bookmark_of(path, settings), rate=None, sent=lambda *_: None)
    async with running(settings, lambda n, _: ValidatorCore(projects, BatchOrigin("annotations", n))) as lane:
        await until_all_judged(settings, lane)
    assert all(not one.problems for one in await audit(settings))
    return {t.name: sorted(r.value for r in await take(settings, t.name)) for t in (VALIDATED, REJECTED)}


def from_file(
    path: Path, contract: LabelContract, projects: Mapping[str, ValidatorProject], out: Path
) -> dict[str, list[bytes]]:
    for _ in replay(read_annotations(path, contract), projects=projects, folder=out, now=time_ns() // 1_000_000):
        pass
    return {t.name: sorted((out / f"{t.name}.jsonl").read_bytes().splitlines()) for t in (VALIDATED, REJECTED)}


def projects_of(contract: LabelContract, settings: RuntimeSettings) -> dict[str, ValidatorProject]:
    loaded = load_project(contract, settings.models)
    assert loaded is not None
    return {contract.project: loaded}


def test_replay_and_kafka_give_the_same_records(settings: RuntimeSettings, tmp_path: Path) -> None:
    path, simulator = tmp_path / "events.jsonl", Simulator(3)
    path.write_bytes(b"\n".join(simulator.event(datetime.now(UTC), over=0.5) for _ in range(3_000)))
    contract = contract_of(PROJECT, list(LABELS))
    projects = projects_of(contract, settings)

    kafka = asyncio.run(through_kafka(path, contract, projects, settings))
    files = from_file(path, contract, projects, tmp_path / "out")

    assert kafka == files
    assert len(kafka[VALIDATED.name]) > 2_000
    assert kafka[REJECTED.name]


@pytest.mark.parametrize("name", ["rte", "convabuse"])
def test_real_data_give_the_same_records_both_ways(
    name: str, settings: RuntimeSettings, real_data: Path, tmp_path: Path
) -> None:
    path = real_data / name / "annotations.csv"
    contract = contract_of(name, _labels(path))
    projects = projects_of(contract, settings)

    kafka = asyncio.run(through_kafka(path, contract, projects, settings))
    files = from_file(path, contract, projects, tmp_path / "out")

    assert kafka == files
    assert len(kafka[VALIDATED.name]) > 7_000


def _labels(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return sorted({row["label"] for row in csv.DictReader(file)})
