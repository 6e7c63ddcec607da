"""`assay demo`: all services on one machine, with synthetic annotators."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import orjson
from rich.live import Live

from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.topics import AGREEMENT, CONSENSUS, CORRECTED, DEAD, REJECTED, RELIABILITY, SIGNALS, VALIDATED
from assay_services.archive.settings import ArchiveSettings
from assay_services.audit.archive import TopicAudit, audit_archive
from assay_services.audit.tables import ABSORBED, JUDGED, archive_table, partition_table
from assay_services.audit.topics import PartitionAudit, audit, audit_consensus
from assay_services.demo.receiver import Receiver
from assay_services.demo.simulator import LABELS, PROFILES, PROJECT, Simulator
from assay_services.demo.subscriber import (
    alerts_delivered,
    control_environment,
    print_alerts,
    subscribe_receiver,
)
from assay_services.demo.view import Scene, accuracy_line, draw
from assay_services.devtools.local_broker import LocalBroker
from assay_services.devtools.ports import free_port, health_addresses
from assay_services.devtools.supervisor import WORKERS, Supervisor
from assay_services.engine.contract_table import publish_contract
from assay_services.engine.kafka import make_consumer
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.importer import send_records
from assay_services.ingest.input_record import InputRecord, key_of
from assay_services.ingest.training_run import train_model
from assay_services.stores.archive.engine import open_engine
from assay_services.terminal import fail, out

_HISTORY = 2_000
_EVENTS_A_SECOND = 200
_FRAME_SECONDS = 0.25
_DRAIN_SECONDS = 60
_START_SECONDS = 60
_DRIFT_SECONDS = 60.0
_FINAL_WAIT_SECONDS = 3.0

CONTRACT = LabelContract.model_validate(
    {
        "project": PROJECT,
        "version": 1,
        "label": {"kind": "categorical", "values": list(LABELS)},
        "rules": [
            {"id": "too-fast", "lead_time_below_seconds": 1.0},
            {"id": "required-fields", "fields": ["text", "attributes.market"]},
            {
                "id": "short-scam",
                "when": "label == 'scam' && item.text.size() < 24",
                "message": "a text this short can hardly be a scam",
            },
        ],
        "model": {"path": f"{PROJECT}.onnx"},
        "alerts": [
            {"id": "conduct", "metric": "signal", "severity": "warning"},
            {"id": "rejections-rise", "metric": "rejection-share", "above": 0.1, "sure": True, "for": "5m"},
            {"id": "agreement-low", "metric": "agreement", "below": 0.2, "where": {"window": "15m"}, "for": "5m"},
        ],
    }
)


def run_demo(*, seconds: float | None, seed: int, folder: Path) -> None:
    """Run the demo: for some seconds, or until Ctrl-C."""
    if folder.exists():
        shutil.rmtree(folder)
    out.print(f"[bold]Assay demo[/]: synthetic texts, truth and annotators (seed {seed}). Everything else is real.")
    out.print(f"Annotators: {', '.join(profile.name for profile in PROFILES)}.")
    with out.status("starting Kafka on loopback (the first start downloads it, which takes a minute) …"):
        broker = LocalBroker(folder)
        broker.start()
    try:
        simulator = Simulator(seed)
        with out.status("training the consistency model on synthetic history …"):
            train_model(_history(simulator), CONTRACT, folder / "models" / f"{PROJECT}.onnx", seed=seed)
        settings = RuntimeSettings(
            kafka=broker.address, folder=folder, models=folder / "models", prefix="", partitions=4, replication=1
        )
        with Receiver() as receiver:
            asyncio.run(_run(settings, simulator, seconds, receiver))
    finally:
        broker.stop()


def _history(simulator: Simulator) -> Iterator[InputRecord]:
    for line, value in enumerate(simulator.history(_HISTORY, datetime.now(UTC)), 1):
        yield InputRecord(line, None, value)


async def _run(settings: RuntimeSettings, simulator: Simulator, seconds: float | None, receiver: Receiver) -> None:
    await ensure_topics(settings)
    await publish_contract(settings, CONTRACT)
    subscribe_receiver(settings, receiver)
    log = (settings.folder / "services.log").open("a")
    supervisor = _supervisor(settings, log)
    services = asyncio.create_task(supervisor.run())
    scene = Scene(simulator.given, simulator.right)
    watching = asyncio.create_task(_watch(settings, scene))
    try:
        await _stream(settings, simulator, scene, seconds, services)
        found, absorbed = await _drained(settings)
        await alerts_delivered(settings, receiver)
        archived = await _archived(settings)
    finally:
        watching.cancel()
        supervisor.stop()
        await services
        with suppress(asyncio.CancelledError):
            await watching
        log.close()
    out.print(draw(scene, kafka=str(settings.kafka)))
    out.print(partition_table(found, "annotations judged by the validator", JUDGED))
    out.print(partition_table(absorbed, "validated annotations in the consensus", ABSORBED))
    out.print(archive_table(archived))
    out.print(accuracy_line(scene))
    print_alerts(receiver)
    unbalanced = [one for one in (*found, *absorbed) if one.problems or one.waiting]
    if unbalanced or any(one.problems or one.waiting for one in archived):
        fail(f"the ledger does not balance; see the services' log in {settings.folder / 'services.log'}")
    out.print(f"[green]✓[/] every event has exactly one verdict; the results are in {settings.folder}")


def _supervisor(settings: RuntimeSettings, log: TextIO) -> Supervisor:
    """Return the supervisor of all services, each on a free port."""
    ports, gateway_port = {name: free_port() for name in WORKERS}, free_port()
    return Supervisor(
        log=lambda name, line: _note(log, name, line),
        environment={
            "ASSAY_KAFKA": str(settings.kafka),
            "ASSAY_FOLDER": str(settings.folder),
            "ASSAY_MODELS": str(settings.models),
            "ASSAY_PARTITIONS": str(settings.partitions),
            "ASSAY_PREFIX": "",
            "ASSAY_GATEWAY_PORT": str(gateway_port),
            "ASSAY_CONSOLE_SERVICES": health_addresses(ports, host=settings.web_host, gateway_port=gateway_port),
            "ASSAY_CONSOLE_PORT": str(free_port()),
            "ASSAY_ALERTS_PORT": str(free_port()),
            **control_environment(settings),
            "ASSAY_DATABASE": archive_of(settings).database_url,
        },
        ports=ports,
    )


def _note(log: TextIO, name: str, line: str) -> None:
    """Write a service's line to the log; print the console's address and its sign-in link."""
    print(name, line, file=log, flush=True)
    if name != "console" or "console_first_admin" not in line:
        return
    link = orjson.loads(line)["link"]
    out.print(f"[bold]Console[/] (this link makes you its admin; valid once, for an hour): {link}", soft_wrap=True)


async def _stream(
    settings: RuntimeSettings, simulator: Simulator, scene: Scene, seconds: float | None, services: asyncio.Task[None]
) -> None:
    """Send events at a visible pace until the time is up or Ctrl-C stops the supervisor."""
    began = time.monotonic()

    def events() -> Iterator[InputRecord]:
        line = 0
        while not services.done() and (seconds is None or time.monotonic() - began < seconds):
            line += 1
            over = (time.monotonic() - began) / (seconds or _DRIFT_SECONDS)
            value = simulator.event(datetime.now(UTC), over=min(1.0, over))
            yield InputRecord(line, key_of(value), value)

    def sent(count: int) -> None:
        scene.sent += count

    sending = asyncio.create_task(send_records(events(), settings, bookmark=None, rate=_EVENTS_A_SECOND, sent=sent))
    with Live(draw(scene, kafka=str(settings.kafka)), console=out, transient=True, auto_refresh=False) as live:
        while not sending.done():
            scene.seconds = time.monotonic() - began
            live.update(draw(scene, kafka=str(settings.kafka)), refresh=True)
            await asyncio.wait({sending}, timeout=_FRAME_SECONDS)
    await sending


async def _drained(settings: RuntimeSettings) -> tuple[list[PartitionAudit], list[PartitionAudit]]:
    """Wait until every sent event has a verdict and is in the consensus; return both ledgers."""
    with out.status("waiting for the last verdicts …"):
        found, absorbed = await audit(settings), await audit_consensus(settings)
        deadline = time.monotonic() + _DRAIN_SECONDS
        while any(one.waiting for one in (*found, *absorbed)) and time.monotonic() < deadline:
            await asyncio.sleep(1)
            found, absorbed = await audit(settings), await audit_consensus(settings)
        await asyncio.sleep(_FINAL_WAIT_SECONDS)  # some results are published only once a second
    return found, absorbed


def archive_of(settings: RuntimeSettings) -> ArchiveSettings:
    """Return the settings of the demo's own archive, regardless of the environment."""
    own: dict[str, Any] = {"database": f"sqlite:///{settings.folder / 'archive.db'}"}
    return ArchiveSettings(**settings.model_dump() | own)


async def _archived(settings: RuntimeSettings) -> list[TopicAudit]:
    """Wait until the archive has everything; return its ledger."""
    engine = open_engine(archive_of(settings).database_url)
    with out.status("waiting for the archive …"):
        deadline = time.monotonic() + _DRAIN_SECONDS
        found = await audit_archive(settings, engine)
        while any(one.waiting for one in found) and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            found = await audit_archive(settings, engine)
    engine.dispose()
    return found


async def _watch(settings: RuntimeSettings, scene: Scene) -> None:
    """Read the output topics as any downstream consumer would."""
    prefix = settings.prefix
    consumer = make_consumer(settings, *(topic.name for topic in _WATCHED))
    await consumer.start()
    try:
        async for record in consumer:
            topic = record.topic.removeprefix(prefix)
            if topic in _VERDICTS:
                scene.judged[_VERDICTS[topic]] += 1
            if record.value is not None and topic != DEAD.name:
                _TELLERS[topic](scene, record)
    finally:
        await consumer.stop()


def _note_signal(scene: Scene, record: Any) -> None:  # noqa: ANN401
    signal = orjson.loads(record.value)
    scene.signals[signal["annotator"], signal["detector"]] = signal


def _note_verdict(scene: Scene, record: Any) -> None:  # noqa: ANN401  # aiokafka's own record
    arrived = datetime.fromisoformat(dict(record.headers)["ce_time"].decode())
    scene.latencies_ms.append((datetime.now(UTC) - arrived).total_seconds() * 1_000)
    verdict = orjson.loads(record.value)
    who = verdict["annotation"]["annotator"]["id"]
    scene.people[who] += 1
    scene.findings.update(found["rule"] for found in verdict["findings"])
    scene.flagged[who] += bool(verdict["findings"])


def _note_consensus(scene: Scene, record: Any) -> None:  # noqa: ANN401
    consensus = orjson.loads(record.value)
    scene.statuses[consensus["item"]] = consensus["status"]


def _note_correction(scene: Scene, record: Any) -> None:  # noqa: ANN401
    correction = orjson.loads(record.value)
    if correction["retracts"] is not None:
        scene.retractions += 1
        return
    scene.corrections += 1
    scene.newest_corrections.append(correction)


def _note_reading(scene: Scene, record: Any) -> None:  # noqa: ANN401
    reading = orjson.loads(record.value)
    if reading["window"] == "15m" and "annotators" not in reading["scope"]:
        scene.agreement[tuple(reading["scope"].values())] = reading


def _note_reliability(scene: Scene, record: Any) -> None:  # noqa: ANN401
    reliability = orjson.loads(record.value)
    scene.reliability[reliability["annotator"]] = reliability


_VERDICTS = {topic.name: topic.name.removeprefix("annotations.") for topic in (VALIDATED, REJECTED, DEAD)}
_TELLERS = {
    VALIDATED.name: _note_verdict,
    REJECTED.name: _note_verdict,
    CONSENSUS.name: _note_consensus,
    CORRECTED.name: _note_correction,
    SIGNALS.name: _note_signal,
    AGREEMENT.name: _note_reading,
    RELIABILITY.name: _note_reliability,
}
_WATCHED = (VALIDATED, REJECTED, DEAD, CONSENSUS, CORRECTED, AGREEMENT, RELIABILITY, SIGNALS)
