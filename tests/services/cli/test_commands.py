"""The command line, as a person uses it."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from assay_services.devtools.local_broker import LocalBroker

ROOT = Path(__file__).parents[3]
CONTRACT = str(ROOT / "contracts" / "ads-safety.yaml")


def assay(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ASSAY_")}
    environment |= {"ASSAY_FOLDER": str(folder), "COLUMNS": "120", **settings}
    command = [sys.executable, "-m", "assay_services.cli", *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


COMMANDS = (
    *("", "contract", "import", "replay", "train", "worker", "tail", "audit", "demo", "decode"),
    *("sql", "forget", "export", "export dataset", "archive", "archive status"),
    *("key", "key create", "connect", "connect label-studio", "connect webhook", "connections", "disconnect", "rotate"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    done = assay(*command.split(), "--help", folder=tmp_path)

    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_a_good_contract_passes_the_check(tmp_path: Path) -> None:
    done = assay("contract", "check", CONTRACT, folder=tmp_path)

    assert done.returncode == 0
    assert "ads-safety version 1" in done.stdout


def test_a_broken_contract_is_refused_and_nothing_is_applied(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(Path(CONTRACT).read_text().replace("too-fast", "too-fst"))

    done = assay("contract", "apply", str(broken), folder=tmp_path)

    assert done.returncode == 1
    assert f"{broken}:7: rules[0]" in done.stderr
    assert "too-fast" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_kafka_a_command_says_what_to_do(tmp_path: Path) -> None:
    done = assay("audit", folder=tmp_path)

    assert done.returncode == 1
    assert "assay broker" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_schema_is_printed_as_json(tmp_path: Path) -> None:
    assert orjson.loads(assay("schema", "annotation", folder=tmp_path).stdout)["title"] == "Annotation"
    assert "asyncapi" in assay("schema", folder=tmp_path).stdout
    assert assay("schema", "nothing", folder=tmp_path).returncode == 1


def test_history_trains_a_model_and_is_replayed(tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    rows = [
        f"i{n},a{n % 5},{label},{text} number {n},BR,{5 + n % 3}"
        for n in range(120)
        for label, text in [("safe", "garden shoes") if n % 2 else ("scam", "crypto prize winner")]
    ]
    history.write_text("item,annotator,label,text,attr.market,lead_time_seconds\n" + "\n".join(rows) + "\n")

    trained = assay("train", "-c", CONTRACT, "--out", str(tmp_path), str(history), folder=tmp_path)
    replayed = assay(
        "replay", "-c", CONTRACT, "-o", str(tmp_path / "out"), str(history), folder=tmp_path, ASSAY_MODELS=str(tmp_path)
    )

    again = assay("train", "-c", CONTRACT, "--out", str(tmp_path / "again"), str(tmp_path / "out"), folder=tmp_path)
    validated = str(tmp_path / "out" / "annotations.validated.jsonl")
    from_verdicts = assay("train", "-c", CONTRACT, "--out", str(tmp_path / "again"), validated, folder=tmp_path)

    assert again.returncode == 1
    assert from_verdicts.returncode == 0, from_verdicts.stderr
    assert (tmp_path / "again" / "ads-safety.onnx").read_bytes() == (tmp_path / "ads-safety.onnx").read_bytes()
    assert trained.returncode == 0, trained.stderr
    assert "accuracy" in trained.stdout
    assert orjson.loads((tmp_path / "ads-safety.onnx.card.json").read_bytes())["data"]["item_count"] == 120
    assert replayed.returncode == 0, replayed.stderr
    first = (tmp_path / "out" / "annotations.validated.jsonl").read_bytes().splitlines()[0]
    assert orjson.loads(first)["score"]["label_probability"] > 0.5


def test_a_replay_ends_with_an_error_if_more_is_dead_than_is_allowed(tmp_path: Path) -> None:
    table, lines = tmp_path / "some.csv", tmp_path / "some.jsonl"
    table.write_text("item,annotator,label,text\ni1,a1,safe,hello, there\ni2,a1,scm,hello\n")
    lines.write_text('{"broken\n')
    replay = ("replay", "--no-conduct", "-c", CONTRACT, "-o", str(tmp_path / "out"), str(table), str(lines))

    done = assay(*replay, folder=tmp_path)
    allowed = assay(*replay, "--allow-dead", "2", folder=tmp_path)

    assert (done.returncode, allowed.returncode) == (1, 0)
    for said in (done.stderr, allowed.stderr):
        assert f"dead {table}:2: the row has 5 cells, the header 4" in said
        assert f"dead {lines}:1: the value is no JSON" in said
        assert "2 records cannot be read" in said
    letters = [orjson.loads(one) for one in (tmp_path / "out" / "annotations.dead.jsonl").read_bytes().splitlines()]
    assert [one["value"] for one in letters] == ["i1,a1,safe,hello, there", '{"broken']
    assert (tmp_path / "out" / "annotations.rejected.jsonl").read_bytes().count(b"\n") == 1


def test_contracts_imports_tail_and_audit_work_on_a_real_kafka(kafka: LocalBroker, tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("item,annotator,label,text,attr.market\ni1,a1,safe,hello there,BR\n")
    settings = {"ASSAY_KAFKA": kafka.address, "ASSAY_PREFIX": "cli.", "ASSAY_PARTITIONS": "1"}

    applied = assay("contract", "apply", CONTRACT, folder=tmp_path, **settings)
    listed = assay("contract", "list", folder=tmp_path, **settings)
    imported = assay("import", "-c", CONTRACT, str(path), folder=tmp_path, **settings)
    again = assay("import", "-c", CONTRACT, str(path), folder=tmp_path, **settings)
    tailed = assay("tail", "annotations", "--from-beginning", "-n", "1", folder=tmp_path, **settings)
    audited = assay("audit", folder=tmp_path, **settings)
    path.write_text("item,annotator,label,text,attr.market\ni2,a1,safe,hello, there,BR\ni3,a1,safe,hello there,BR\n")
    broken = assay("import", "-c", CONTRACT, str(path), folder=tmp_path, **settings)
    again_broken = assay("import", "-c", CONTRACT, "--allow-dead", "1", str(path), folder=tmp_path, **settings)
    letters = assay("tail", "annotations", "--from-beginning", "-n", "3", folder=tmp_path, **settings)

    assert applied.returncode == 0, applied.stderr
    assert "ads-safety" in listed.stdout
    assert "1 records sent" in imported.stdout
    assert "0 records sent" in again.stdout
    assert orjson.loads(tailed.stdout)["value"]["item"]["id"] == "i1"
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert (broken.returncode, again_broken.returncode) == (1, 0)
    assert "2 records sent" in broken.stdout
    assert f"dead {path}:2: the row has 6 cells, the header 5" in broken.stderr
    assert "0 records sent" in again_broken.stdout
    assert "i2,a1,safe,hello, there,BR" in letters.stdout


def test_the_demo_ends_by_itself_and_leaves_no_process(tmp_path: Path) -> None:
    done = assay("demo", "--seconds", "3", folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "every event has exactly one verdict" in done.stdout
    assert _processes_of(tmp_path) == []


def _processes_of(folder: Path) -> list[str]:
    found = []
    for entry in [*Path("/proc").glob("[0-9]*/cmdline"), *Path("/proc").glob("[0-9]*/environ")]:
        try:
            text = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended while we looked
        if str(folder) in text:
            found.append(text)
    return found
