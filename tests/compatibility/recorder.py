"""Record what one version of Assay leaves behind: `python -m tests.compatibility.recorder ASSAY FOLDER`.

ASSAY is the `assay` command of the version to record, FOLDER an empty folder. Six projects, one for each kind of label,
are annotated; then everything is stopped, and the data folder (Kafka's log, the archive, the control database, the
gateway's spool) is packed into `taken_up.tar.xz`. Only the command line and HTTP are used, so that any version can be
recorded.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Self

from assay_services.devtools.ports import free_port

FIXTURE = Path(__file__).with_name("taken_up.tar.xz")
LABELS: dict[str, dict[str, Any]] = {
    "kinds-categorical": {"kind": "categorical", "values": ["safe", "adult", "scam"]},
    "kinds-multilabel": {"kind": "multilabel", "values": ["violence", "hate", "spam"]},
    "kinds-ordinal": {"kind": "ordinal", "low": 1, "high": 5},
    "kinds-pairwise": {"kind": "pairwise"},
    "kinds-spans": {"kind": "spans", "values": ["name", "place"]},
    "kinds-boxes": {"kind": "boxes", "values": ["cat", "dog"]},
}
ANNOTATORS = ("ada", "bo", "cy", "dee")
ITEMS = 12
_TEXT = "Ada Lovelace went from London to Paris and bought a garden"
_PATIENCE_SECONDS = 180
_WORKERS = 7
_WITH_READINESS = 5
"""The first workers, in the order of `assay up`, answer on the ports from ASSAY_WEB_PORT on."""


def contract(project: str) -> dict[str, Any]:
    """Return a contract that uses what has state: windows, attributes, alert rules."""
    return {
        "project": project,
        "version": 1,
        "label": LABELS[project],
        "redundancy": 3,
        "close": {"quiet_hours": 87_000, "age_days": 3_600},
        "agreement": {"windows": ["15m", "24h"], "attributes": ["market"]},
        "alerts": [
            {"id": "conduct", "metric": "signal", "severity": "critical"},
            {"id": "disputed", "metric": "agreement", "where": {"window": "24h"}, "below": 0.99},
        ],
    }


def label_of(project: str, number: int, who: int) -> Any:  # noqa: ANN401  # any kind of label
    """Return an annotator's label of an item. The last annotator disagrees with the others on every third item."""
    wrong = who == len(ANNOTATORS) - 1 and number % 3 == 0
    values = LABELS[project].get("values", [])
    shift = (number + wrong) % max(len(values), 1)
    match LABELS[project]["kind"]:
        case "categorical":
            return values[shift]
        case "multilabel":
            return [values[shift]]
        case "ordinal":
            return 1 + (number + 2 * wrong) % 5
        case "pairwise":
            return ("left", "right", "tie")[(number + wrong) % 3]
        case "spans":
            return [{"start": 0, "end": 12 - 7 * wrong, "label": values[shift]}]
        case _:
            return [{"x": 10 + 30 * wrong, "y": 10, "width": 20, "height": 20, "label": values[shift]}]


def annotation(
    project: str, number: int, annotator: str, label: object, moment: datetime | None = None
) -> dict[str, Any]:
    """Return one annotation of an item, made at a moment, or else just now."""
    return {
        "project": project,
        "item": {
            "id": f"item-{number}",
            "text": _TEXT,
            "gold": label_of(project, number, 0) if number == 0 else None,
            "attributes": {"market": "BR" if number % 2 else "DE"},
        },
        "annotator": {"id": annotator},
        "label": label,
        "occurred_at": (moment or datetime.now(UTC)).isoformat(),
        "lead_time_seconds": 4.0,
    }


def annotations(now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the annotations of all projects."""
    for place, project in enumerate(LABELS):
        for number in range(ITEMS):
            for who, annotator in enumerate(ANNOTATORS):
                moment = now - timedelta(minutes=ITEMS - number, seconds=10 * who + place)
                found = annotation(project, number, annotator, label_of(project, number, who), moment)
                yield {**found, "lead_time_seconds": 4.0 + who}


def free_ports(count: int) -> int:
    """Return the first of so many ports in a row that nothing listens on."""
    while True:
        first = free_port()
        try:
            with ExitStack() as stack:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        return first


def _later(number: int) -> list[dict[str, Any]]:
    """Return an item annotated just now: event time has to pass before an alert rule is evaluated."""
    now = datetime.now(UTC)
    return [
        {
            "project": "kinds-categorical",
            "item": {"id": f"later-{number}", "text": _TEXT, "attributes": {"market": "BR"}},
            "annotator": {"id": annotator},
            "label": label_of("kinds-categorical", number, who),
            "occurred_at": (now + timedelta(milliseconds=who)).isoformat(),
            "lead_time_seconds": 4.0 + who,
        }
        for who, annotator in enumerate(ANNOTATORS)
    ]


class Stack:
    """`assay up` in a folder, with the commands that go with it."""

    def __init__(self, assay: Sequence[str], folder: Path) -> None:
        """Find free ports for all services. `assay` is the command line that runs the command."""
        self._assay = list(assay)
        self._gateway_port, self._web_port = free_port(), free_ports(_WORKERS)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("ASSAY_")} | {
            "ASSAY_FOLDER": str(folder / ".assay"),
            "ASSAY_PARTITIONS": "2",
            "ASSAY_RETENTION_HOURS": str(24 * 36_500),  # whoever takes it up in ten years finds all of it
            "ASSAY_WEB_PORT": str(self._web_port),
            "ASSAY_GATEWAY_PORT": str(self._gateway_port),
            "ASSAY_CONSOLE_PORT": str(free_port()),
            "COLUMNS": "300",
        }
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start everything and wait until the gateway answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._assay, "up"], env=self.environment, stdout=log, stderr=log, cwd=self._folder
            )
        self.wait_for(lambda: self.get("/ready"), "the gateway")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything as Ctrl-C does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_PATIENCE_SECONDS)

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command; return what it prints."""
        done = subprocess.run(
            [*self._assay, *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self._folder,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"assay {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def query(self, sql: str) -> list[Any]:
        """Return the rows that the archive has for a question."""
        found: list[Any] = json.loads(self.run("sql", sql, "--format", "json"))
        return found

    def count(self, table: str) -> int:
        """Return how many rows a table of the archive has."""
        return int(self.query(f"select count(*) as n from {table}")[0]["n"])  # noqa: S608  # ours

    def wait_until_ready(self) -> None:
        """Wait until every worker has taken its state up."""
        for port in range(self._web_port, self._web_port + _WITH_READINESS):
            self.wait_for(partial(self.get, "/ready", port), f"the worker on port {port}")

    def get(self, path: str, port: int | None = None) -> bool:
        """Tell whether the gateway, or the worker on a port, answers a path with 200."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self._gateway_port}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def post(self, path: str, body: object, key: str) -> None:
        """Send JSON to the gateway; raise where it does not take it."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._gateway_port}{path}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310  # our own gateway

    def wait_for(self, condition: Any, what: str) -> None:  # noqa: ANN401  # a function of nothing
        """Wait until a condition holds."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {_PATIENCE_SECONDS} s: {what}")
            time.sleep(0.5)


def record(assay: Sequence[str], folder: Path) -> None:
    """Run one version over the projects, stop it, and pack what it leaves."""
    with Stack(assay, folder) as stack:
        for project in LABELS:
            path = folder / f"{project}.yaml"
            path.write_text(json.dumps(contract(project)))  # JSON is YAML
            stack.run("contract", "apply", str(path))
        key = stack.run("key", "create", "--name", "recorder", "--scope", "write", "--quiet").strip()
        stack.run("connect", "webhook", "labelbox", "--name", "boxes", "--into", "kinds-boxes", "--secret", "s" * 24)
        stack.run("subscribe", "kafka", "alerts.copied", "--name", "copied")
        stack.run("user", "add", "anna", "--role", "reviewer", stdin="a long enough password\n" * 2)
        sent = list(annotations(datetime.now(UTC)))
        for start in range(0, len(sent), 48):
            stack.post("/v1/annotations", sent[start : start + 48], key)
        stack.post("/v1/annotations", [{**sent[0], "label": "no such label"}, {**sent[0], "project": "nobody's"}], key)
        (folder / "key").write_text(key)
        ready = len(LABELS) * ITEMS
        stack.wait_for(
            lambda: stack.query("select count(*) as n from items_now where status = 'accepted'")[0]["n"] >= ready / 2,
            "the consensus of half of the items",
        )
        later = count()

        def alerted() -> bool:
            stack.post("/v1/annotations", _later(next(later)), key)
            return bool(stack.query("select count(*) as n from alerts")[0]["n"])

        stack.wait_for(alerted, "an alert")
        (folder / "audit").write_text(stack.run("audit"))
    pack(folder)


def pack(folder: Path) -> None:
    """Write the fixture: the data folder without logs."""

    def wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return None if entry.name.endswith((".log.old", "kafka.log", "broker.json")) else entry

    with tarfile.open(FIXTURE, "w:xz", preset=9) as packed:
        packed.add(folder / ".assay", ".assay", filter=wanted)
        packed.add(folder / "key", "key", filter=wanted)


if __name__ == "__main__":
    record([sys.argv[1]], Path(sys.argv[2]))
