"""`assay decode`: recorded deliveries read as the gateway would."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from assay_services.cli.__main__ import app
from assay_services.gateway.core.platforms.registry import PLATFORMS
from tests.services.gateway.payloads import (
    CVAT_HOOK,
    GENERIC_HOOK,
    GROUND_TRUTH_LINE,
    TOLOKA_HOOK,
    argilla_hook,
    choices,
    ls_annotation,
    ls_hook,
    ls_task,
    region,
)
from tests.services.gateway.signed_deliveries import SECRET, signed
from tests.support.builders import NOW

MAPPING = Path(__file__).parents[3] / "docs" / "generic-mapping.yaml"
DELETED = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 2}], "project": {"id": 1}}


def decode(*arguments: object, code: int = 0) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, ["decode", "--at", NOW.isoformat(), *map(str, arguments)])
    assert done.exit_code == code, done.output
    return [orjson.loads(line) for line in done.stdout.splitlines()]


def kept(path: Path, body: object, **more: object) -> Path:
    path.write_bytes(body if isinstance(body, bytes) else json.dumps(body | more if more else body).encode())  # type: ignore[operator]
    return path


def recorded(path: Path, platform: str, raw: bytes, **headers: str) -> Path:
    delivery = signed(PLATFORMS[platform].scheme, raw, now=NOW)
    return kept(path, {"headers": {**delivery.headers, **headers}, "raw_body": delivery.raw.decode()})


def test_one_line_for_each_file_and_earlier_files_teach_later_ones(tmp_path: Path) -> None:
    first, second = kept(tmp_path / "1.json", ls_hook()), kept(tmp_path / "2.json", DELETED)
    third = kept(tmp_path / "3.json", {"action": "TASKS_DELETED", "tasks": [{"id": 1}]})

    lines = decode("--platform", "label-studio", first, second, third)

    assert [set(line) for line in lines] == [{"file", "outcome", "reason", "unread", "annotations", "fetch"}] * 3
    assert [line["file"] for line in lines] == [str(first), str(second), str(third)]
    assert [line["outcome"] for line in lines] == ["annotations"] * 3
    assert [line["annotations"][0]["action"] for line in lines] == ["created", "deleted", "deleted"]
    assert lines[1]["annotations"][0]["item"]["id"] == "1"
    assert lines[0]["reason"] is None


def test_an_export_of_label_studio_is_read_as_its_other_data(tmp_path: Path) -> None:
    tasks = [ls_task(annotations=[ls_annotation(choices("Negative"))]), ls_task(annotations=[], id=2)]
    other = [ls_task(annotations=[ls_annotation(choices("a"), choices("b", name="tone"))])]

    (line,) = decode("-p", "label-studio", "--project", "p", kept(tmp_path / "export.json", tasks))
    (unclear,) = decode("-p", "label-studio", "--project", "p", kept(tmp_path / "other.json", other))
    (chosen,) = decode("-p", "label-studio", "--project", "p", "--set", "control=tone", tmp_path / "other.json")

    assert (line["outcome"], line["annotations"][0]["label"]) == ("annotations", "Negative")
    assert (unclear["outcome"], chosen["annotations"][0]["label"]) == ("rejected", "b")
    assert "several controls could be the label" in unclear["reason"]


def test_every_outcome_is_named(tmp_path: Path) -> None:
    kept(tmp_path / "1", {"action": "PROJECT_UPDATED"})
    kept(tmp_path / "2", DELETED)
    kept(tmp_path / "3", b'{"action": "ANNO')
    kept(tmp_path / ".hidden", b"")
    (tmp_path / "folder").mkdir()

    lines = decode("--platform", "Label Studio", tmp_path)

    assert [line["outcome"] for line in lines] == ["nothing", "fetch", "rejected"]
    assert lines[1]["fetch"] == [{"kind": "annotation", "id": "2"}]
    assert all(line["reason"] for line in lines)


def test_the_project_and_the_settings_are_to_be_chosen(tmp_path: Path) -> None:
    body = ls_hook(choices("Negative"), region("rating", {"rating": 2}, name="stars"), config="")
    file = kept(tmp_path / "1", body)
    chosen = ("--set", "control=stars", "--set", "item-field=external_id", "--set", "attribute=none")

    (line,) = decode("-p", "label-studio", "--project", "tickets", *chosen, file)

    (found,) = line["annotations"]
    assert (found["project"], found["label"], found["item"]["id"]) == ("tickets", 2, "T-0")
    assert found["item"]["attributes"] == {}


@pytest.mark.parametrize(
    ("platform", "body", "outcome"),
    [
        ("label-studio", ls_hook(), "annotations"),
        ("argilla", argilla_hook(), "annotations"),
        ("cvat", CVAT_HOOK, "fetch"),
        ("toloka", TOLOKA_HOOK, "fetch"),
    ],
)
def test_a_right_signature_passes_and_a_wrong_or_stale_one_is_rejected(
    tmp_path: Path, platform: str, body: object, outcome: str
) -> None:
    file = recorded(tmp_path / "1", platform, json.dumps(body).encode())

    (right,) = decode("-p", platform, "--secret", "old", "--secret", SECRET, file)
    (wrong,) = decode("-p", platform, "--secret", "b3RoZXI=", file)
    (late,) = decode("-p", platform, "--secret", SECRET, "--at", "2026-11-24T13:00:00", file)

    assert right["outcome"] == outcome
    assert wrong["outcome"] == "rejected"
    assert wrong["reason"].startswith("signature: ")
    assert SECRET not in wrong["reason"]
    assert ("stale" in (late["reason"] or "")) == (platform in {"argilla", "toloka"})


def test_a_file_without_headers_or_raw_bytes_cannot_prove_its_sender(tmp_path: Path) -> None:
    raw = kept(tmp_path / "1", CVAT_HOOK)
    body = kept(tmp_path / "2", {"headers": {"X-Signature-256": ["sha256=00"]}, "body": CVAT_HOOK})

    lines = decode("-p", "cvat", "--secret", "s", raw, body)
    unproven = decode("-p", "cvat", raw, body)

    assert [line["outcome"] for line in lines] == ["rejected", "rejected"]
    assert "without headers" in lines[0]["reason"]
    assert "needs the raw bytes" in lines[1]["reason"]
    assert [line["outcome"] for line in unproven] == ["fetch", "fetch"]


def test_a_secret_in_a_header_needs_no_raw_bytes_and_its_header_may_be_named(tmp_path: Path) -> None:
    file = kept(tmp_path / "1", {"headers": {"X-Our-Secret": "s"}, "body": ls_hook()})

    (anywhere,) = decode("-p", "label-studio", "--secret", "s", file)
    (named,) = decode("-p", "label-studio", "--secret", "s", "--set", "header=X-Our-Secret", file)
    (elsewhere,) = decode("-p", "label-studio", "--secret", "s", "--set", "header=X-Other", file)

    assert [anywhere["outcome"], named["outcome"], elsewhere["outcome"]] == ["annotations", "annotations", "rejected"]


def test_a_form_signs_itself_so_that_a_raw_body_is_enough(tmp_path: Path) -> None:
    delivery = signed(PLATFORMS["appen"].scheme, b"", now=NOW)
    file = kept(tmp_path / "1", delivery.raw)

    assert decode("-p", "appen", "--secret", SECRET, file)[0]["outcome"] == "nothing"
    assert decode("-p", "appen", "--secret", "other", file)[0]["outcome"] == "rejected"


def test_a_mapping_reads_any_tool_and_says_how_it_signs(tmp_path: Path) -> None:
    raw = kept(tmp_path / "1", GENERIC_HOOK)

    (line,) = decode("-p", "generic", "--mapping", MAPPING, raw)
    (refused,) = decode(
        "-p", "generic", "--mapping", MAPPING, "--secret", "s", kept(tmp_path / "2", {"headers": {}, "raw_body": ""})
    )

    assert line["annotations"][0]["label"] == "neg"
    assert refused["reason"] == "signature: the header X-Signature is missing"


def test_lines_of_a_manifest_are_one_file_with_one_line(tmp_path: Path) -> None:
    raw = b"\n".join(json.dumps(GROUND_TRUTH_LINE | {"source-ref": f"s3://b/{n}"}).encode() for n in range(3))

    (line,) = decode("-p", "ground-truth", kept(tmp_path / "output.manifest", raw))

    assert len(line["annotations"]) == 3


@pytest.mark.parametrize(
    "body", [{"a": float("nan")}, {"a": 10**400}, {"a": "\ud800"}, None, 7, "text", {"headers": {}}]
)
def test_a_recording_of_anything_is_read_as_a_file(tmp_path: Path, body: object) -> None:
    file = kept(tmp_path / "1", json.dumps({"headers": {"n": 1}, "body": body}).encode())
    bare = kept(tmp_path / "2", json.dumps(body).encode())

    lines = decode("-p", "label-studio", file, bare)

    assert [line["outcome"] for line in lines] == ["rejected", "rejected"]


def test_files_that_cannot_be_read_end_with_an_error_after_the_others(tmp_path: Path) -> None:
    good = kept(tmp_path / "1", ls_hook())

    lines = decode("-p", "label-studio", tmp_path / "gone", good, code=1)

    assert [line["file"] for line in lines] == [str(good)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-p", "moon"], "there is no platform 'moon'"),
        (["-p", "cvat", "--set", "control"], "--set takes NAME=VALUE"),
        (["-p", "cvat", "--set", "colour=red"], "--set takes NAME=VALUE"),
        (["-p", "appen", "--set", "header=x"], "are not to be chosen"),
        (["-p", "cvat", "--at", "soon"], "'soon' is no time"),
        (["-p", "generic", "--mapping", "gone.yaml"], "gone.yaml:1: cannot be read"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_a_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    file = kept(tmp_path / "1", CVAT_HOOK)

    done = CliRunner().invoke(app, ["decode", *arguments, str(file)], env={"COLUMNS": "200"})

    assert done.exit_code == 1
    assert said in done.stderr.replace("\n", " ")
