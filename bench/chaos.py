"""The fault test: real workers are killed, frozen and cut off from Kafka while events flow; then everything is counted.

`python -m bench.chaos` runs it in full and prints a table; the tests run it shorter.
"""

import asyncio
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import TopicPartition
from rich.console import Console
from rich.table import Table

from assay_schemas.topics import CONSENSUS_STATE
from assay_services.audit.topics import PartitionAudit, audit, audit_consensus
from assay_services.demo.run import CONTRACT
from assay_services.demo.simulator import PROJECT, Simulator
from assay_services.devtools.local_broker import LocalBroker
from assay_services.devtools.ports import free_port
from assay_services.engine.contract_table import publish_contract
from assay_services.engine.kafka import partition_reader
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.importer import send_records
from assay_services.ingest.input_record import InputRecord, key_of
from assay_services.ingest.training_run import train_model
from bench.report import at_most
from bench.undisturbed import ConsensusGap, compare_consensus, compare_validator

SESSION_SECONDS = 6.0
WORKERS = (
    "assay_services.validator",
    "assay_services.validator",
    "assay_services.consensus",
    "assay_services.consensus",
)
_QUIET_SECONDS = 20.0  # longer than it takes to give the partitions of a dead worker to another


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens: how many events at which rate, and how often what goes wrong."""

    events: int
    rate: float
    kills: int
    freezes: int
    broker_restarts: int
    seed: int
    kafka_away_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found afterwards."""

    seconds: float
    kills: int
    audits: Sequence[PartitionAudit]
    different_outputs: int
    different_state_keys: int
    consensus: ConsensusGap
    verdicts: Counter[str]

    @property
    def problems(self) -> list[str]:
        """Return everything that is not exactly as without any fault."""
        found = [f"partition {one.partition}: {why}" for one in self.audits for why in one.problems]
        found += [f"partition {one.partition}: {one.waiting} records wait" for one in self.audits if one.waiting]
        if self.different_outputs:
            found.append(f"{self.different_outputs} outputs differ from an undisturbed run")
        if self.different_state_keys:
            found.append(f"{self.different_state_keys} keys of state differ from an undisturbed run")
        return [*found, *self.consensus.problems]


class Workers:
    """Real worker processes, by module, that can be killed, frozen and started again."""

    def __init__(self, settings: RuntimeSettings, log: Path) -> None:
        """Say where they work and where they log."""
        self._settings = settings
        self._log = log
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, module: str) -> None:
        """Start one more."""
        environment = {
            **os.environ,
            "ASSAY_KAFKA": str(self._settings.kafka),
            "ASSAY_FOLDER": str(self._settings.folder),
            "ASSAY_MODELS": str(self._settings.models),
            "ASSAY_PARTITIONS": str(self._settings.partitions),
            "ASSAY_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "ASSAY_LARGEST_BATCH": "500",
            "ASSAY_WEB_PORT": str(free_port()),
        }
        with self._log.open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", module], env=environment, stdout=log, stderr=log)
            self._running.append((module, process))

    def replace_ended(self) -> int:
        """Start anew whatever ended by itself, as a supervisor would; return how many."""
        ended = [(module, process) for module, process in self._running if process.poll() is not None]
        for module, process in ended:
            self._running.remove((module, process))
            self.start(module)
        return len(ended)

    def kill(self, rng: random.Random) -> None:
        """Kill one at once, without any warning, and start another."""
        module, victim = rng.choice(self._running)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self._running.remove((module, victim))
        self.start(module)

    def freeze(self, rng: random.Random) -> subprocess.Popen[bytes]:
        """Freeze one: it knows nothing of it, and will go on as if nothing had been."""
        _, victim = rng.choice(self._running)
        victim.send_signal(signal.SIGSTOP)
        return victim

    def stop(self) -> None:
        """Stop all."""
        for _, process in self._running:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for _, process in self._running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run_chaos(plan: Plan, folder: Path) -> Outcome:
    """Run the plan on a broker of its own in `folder`."""
    began = time.monotonic()
    with ExitStack() as stack:
        broker = stack.enter_context(LocalBroker(folder))
        settings = RuntimeSettings(kafka=broker.address, folder=folder, models=folder / "models", partitions=4)
        simulator = Simulator(plan.seed)
        train_model(_lines(simulator.history(1_000, datetime.now(UTC))), CONTRACT, _model(folder), seed=plan.seed)
        asyncio.run(_prepare(settings))
        workers = Workers(settings, folder / "workers.log")
        stack.callback(workers.stop)
        for module in WORKERS:
            workers.start(module)
        asyncio.run(_disturb(plan, settings, simulator, workers, broker))
        audits = asyncio.run(audit(settings))
        absorbed = asyncio.run(audit_consensus(settings))
        workers.stop()
        outputs, keys = asyncio.run(compare_validator(settings, CONTRACT))
        gap = asyncio.run(compare_consensus(settings, CONTRACT))
    verdicts: Counter[str] = sum((one.verdicts for one in audits), Counter())
    return Outcome(time.monotonic() - began, plan.kills, [*audits, *absorbed], outputs, keys, gap, verdicts)


async def _prepare(settings: RuntimeSettings) -> None:
    await ensure_topics(settings)
    await publish_contract(settings, CONTRACT)


async def _disturb(
    plan: Plan, settings: RuntimeSettings, simulator: Simulator, workers: Workers, broker: LocalBroker
) -> None:
    rng = random.Random(plan.seed)  # noqa: S311  # a simulation
    records = _lines(simulator.event(datetime.now(UTC), over=0.5) for _ in range(plan.events))
    sending = asyncio.create_task(send_records(records, settings, bookmark=None, rate=plan.rate, sent=lambda _: None))
    faults = ["kill"] * plan.kills + ["freeze"] * plan.freezes + ["broker"] * plan.broker_restarts
    rng.shuffle(faults)
    for fault in faults:
        await asyncio.sleep(rng.uniform(1.0, 4.0))
        workers.replace_ended()
        if fault == "kill":
            workers.kill(rng)
        elif fault == "freeze":
            frozen = workers.freeze(rng)
            await asyncio.sleep(SESSION_SECONDS + 3)
            frozen.send_signal(signal.SIGCONT)
        else:
            broker.stop()
            await asyncio.sleep(plan.kafka_away_seconds)
            broker.start()
    await sending
    await _await_all_judged(settings, workers)


async def _await_all_judged(settings: RuntimeSettings, workers: Workers) -> None:
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        workers.replace_ended()
        if not any(one.waiting for one in (*await audit(settings), *await audit_consensus(settings))):
            break
        await asyncio.sleep(1)
    await _await_quiet(settings)


async def _await_quiet(settings: RuntimeSettings) -> None:
    """Wait until the consensus has swept its items for the last time: its state stays as it is."""
    async with partition_reader(settings, CONSENSUS_STATE.name, 0) as reader:
        tps = [TopicPartition(CONSENSUS_STATE.name, number) for number in range(settings.partitions)]
        before, since = None, time.monotonic()
        while time.monotonic() - since < _QUIET_SECONDS:
            ends = await reader.consumer.end_offsets(tps)
            if ends != before:
                before, since = ends, time.monotonic()
            await asyncio.sleep(0.5)


def _lines(values: Iterator[bytes]) -> Iterator[InputRecord]:
    for line, value in enumerate(values, 1):
        yield InputRecord(line, key_of(value), value)


def _model(folder: Path) -> Path:
    return folder / "models" / f"{PROJECT}.onnx"


def main() -> int:
    """Run in full, print what was found."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # Kafka is taken away on purpose
    console = Console()
    plan = Plan(
        events=200_000,
        rate=4_000,
        kills=8,
        freezes=2,
        broker_restarts=1,
        seed=int(time.time()) % 100_000,
        kafka_away_seconds=30,
    )
    console.print(f"{plan}")
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_chaos(plan, Path(folder))
        table = Table(
            "what",
            "measured",
            "target",
            "result",
            title=f"{plan.events:,} events, 2 + 2 workers, {outcome.seconds:.0f} s, seed {plan.seed}",
        )
        table.add_row(
            "SIGKILLs / freezes beyond the session / broker restarts",
            f"{plan.kills} / {plan.freezes} / {plan.broker_restarts}",
        )
        table.add_row("records in", f"{sum(outcome.verdicts.values()):,}")
        for verdict, count in sorted(outcome.verdicts.items()):
            table.add_row(verdict, f"{count:,}")
        for what, count in (
            ("records validated twice", sum(one.twice for one in outcome.audits)),
            ("records without a verdict", sum(one.waiting for one in outcome.audits)),
            ("verdicts that differ from an undisturbed run", outcome.different_outputs),
            ("keys of the validator's state that differ", outcome.different_state_keys),
        ):
            table.add_row(what, str(count), "0", at_most(count, 0))
        for row in outcome.consensus.rows():
            table.add_row(*row)
        console.print(table)
        for problem in outcome.problems:
            console.print(f"[red]✗[/] {problem}")
        if outcome.problems:
            log = Path(tempfile.gettempdir()) / "assay-chaos-workers.log"
            log.write_bytes((Path(folder) / "workers.log").read_bytes())
            console.print(f"the workers' log: {log}")
            return 1
    console.print("[green]✓[/] exactly one verdict per record, state as undisturbed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
