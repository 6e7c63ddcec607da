"""`assay import --dry-run`: a person sees how a file will be read before anything is sent."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assay_services.cli.__main__ import app

CONTRACT = """\
project: p
version: 1
label: {kind: categorical, values: [safe, scam]}
"""
ROWS = (
    "sep=;",
    "item;annotator;label;text;occurred_at;lead_time_seconds",
    "0017;ann;safe;garden shoes, size 40;20.11.2026 10:00;2,5",
    "0018;bob;scm;prize;20.11.2026 10:05;12",
    "0018;bob;scm;prize;20.11.2026 10:05;12",
    "0019;bob;;lamp;20.11.2026 10:06;3",
    "0020;bob;safe;lamp; cheap;20.11.2026 10:07;3",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "votes.csv").write_text("\r\n".join(ROWS))
    return tmp_path


def dry_run(folder: Path, *arguments: str) -> Result:
    settings = {"COLUMNS": "80", "ASSAY_KAFKA": "127.0.0.1:1", "ASSAY_FOLDER": str(folder)}
    return CliRunner().invoke(app, ["import", "--dry-run", *arguments], env=settings)


def test_it_shows_what_was_recognised_and_what_would_be_rejected_and_why(folder: Path) -> None:
    path = folder / "votes.csv"
    options = ("-c", str(folder / "c.yaml"), "--timezone", "Europe/Berlin", "--dates", "dmy")

    done = dry_run(folder, *options, str(path))

    assert done.exit_code == 1
    for said in (
        f"{path}: CSV, delimiter semicolon, decimal sign comma, header in line 2, encoding utf-8",
        "item               text",
        "lead_time_seconds  number",
        "time: dates like 20.11.2026 10:00",
        "2026-11-20T10:00:00+01:00",
        "would be: 1 validated, 3 rejected, 1 dead",
        f"rejected: {path}:4: known-label: 'scm' is not a label of this project",
        f"rejected: {path}:6: label-kind: the label is missing",
        f"dead: {path}:7: the row has 7 cells, the header 6",
        "nothing was sent",
    ):
        assert " ".join(said.split()) in " ".join(done.stdout.split())
    assert all(len(line.replace(str(path), "votes.csv")) <= 80 for line in done.stdout.splitlines())
    assert dry_run(folder, *options, "--allow-dead", "1", str(path)).exit_code == 0


def test_without_a_contract_it_shows_what_can_be_read(folder: Path) -> None:
    lines = folder / "a.jsonl"
    lines.write_text('{"broken\n' * 5)

    done = dry_run(folder, "--allow-dead", "9", str(lines))

    assert done.exit_code == 0
    assert "would be: 5 dead" in done.stdout
    assert "dead: and 2 more" in done.stdout


def test_what_is_missing_is_asked_for(folder: Path) -> None:
    done = dry_run(folder, "-c", str(folder / "c.yaml"), str(folder / "votes.csv"))

    assert done.exit_code == 1
    assert "votes.csv:3: the date '20.11.2026 10:00' may have the day or the month first" in done.stderr
    assert "--timezone UTC" in done.stderr


def test_a_row_older_than_another_of_the_same_annotator_is_said_to_be_superseded(folder: Path) -> None:
    path = folder / "twice.csv"
    rows = "i1,ann,safe,2026-01-02T00:00:00Z\ni1,ann,scam,2026-01-01T00:00:00Z\n"
    path.write_text("item,annotator,label,occurred_at\n" + rows)

    done = dry_run(folder, "-c", str(folder / "c.yaml"), str(path))

    assert done.exit_code == 0
    assert "would be: 1 validated, 1 superseded" in done.stdout
    assert "older than another row of the same annotator" in " ".join(done.stdout.split())
