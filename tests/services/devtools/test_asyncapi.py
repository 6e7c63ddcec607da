"""The generated descriptions: current, well-formed, and true of what the services write."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from assay_models.rules.ruleset import compile_contract
from assay_schemas.topics import TOPICS
from assay_services.devtools.asyncapi import EVENTS, asyncapi_document, json_schemas, stale, write_generated
from assay_services.engine.core.core_api import Output
from assay_services.validator.core.step import BatchOrigin, ValidatorCore, ValidatorProject
from tests.support.builders import GOOD, LABELS, NOW, a_contract, an_annotation, annotation_input, contract_input

FOLDER = Path(__file__).parents[3] / "schemas" / "assay_schemas" / "json"
DOCUMENT = asyncapi_document()


@dataclass
class ARecord:
    """A record as the lane hands it over."""

    value: bytes | None
    key: bytes | None = b"ads-safety:i-204"
    offset: int = 5
    timestamp: int = int(NOW.timestamp() * 1000)
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)


class NoState:
    """A state in which nothing is known."""

    def get(self, key: bytes) -> bytes | None:  # noqa: ARG002
        return None

    def due(self, now: int, *, limit: int) -> list[bytes]:  # noqa: ARG002
        return []


def judge(value: bytes) -> Output:
    """Return what the validator writes about one record."""
    projects = {"ads-safety": ValidatorProject(compile_contract(a_contract()))}
    (written,) = ValidatorCore(projects, BatchOrigin("annotations", 2)).step(NoState(), [ARecord(value)]).outputs
    return written


def references(part: Any) -> Iterator[str]:  # noqa: ANN401  # any part of a JSON document
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


def resolve(reference: str, document: dict[str, Any]) -> Any:  # noqa: ANN401  # any part of a JSON document
    """Return what a reference names, KeyError where there is nothing."""
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def test_the_committed_files_are_current() -> None:
    why = "run: make schemas"

    assert stale(FOLDER) == [], why


def test_files_that_differ_are_missing_or_are_no_longer_made_are_stale(tmp_path: Path) -> None:
    write_generated(tmp_path)
    fresh = stale(tmp_path)
    (tmp_path / "annotation.json").write_text("{}")
    (tmp_path / "asyncapi.json").unlink()
    (tmp_path / "task.json").write_text("{}")

    found = stale(tmp_path)

    assert fresh == []
    assert found == ["annotation.json", "asyncapi.json", "task.json"]


def test_files_are_written_to_be_read_and_compared(tmp_path: Path) -> None:
    write_generated(tmp_path / "new")

    for path in (tmp_path / "new").iterdir():
        text = path.read_text()
        assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_every_event_has_a_schema_of_the_newest_draft() -> None:
    found = json_schemas()

    assert len(found) == len(EVENTS)
    assert {"annotation", "validated_annotation", "label_contract", "consensus", "correction"} <= found.keys()
    for schema in found.values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("kind", LABELS)
def test_the_schemas_accept_what_the_models_accept(kind: str) -> None:
    found = json_schemas()
    rules = [
        {"id": "too-fast", "lead_time_below_seconds": 1},
        {"id": "own", "when": "true"},
        {"id": "known-label"},
    ]

    Draft202012Validator(found["annotation"]).validate(annotation_input(label=GOOD[kind]))
    Draft202012Validator(found["label_contract"]).validate(contract_input(kind, rules=rules))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("annotation", annotation_input(colour="red")),
        ("annotation", annotation_input(id="")),
        ("annotation", annotation_input(label=True)),
        ("label_contract", contract_input(rules=[{"id": "known-labels"}])),
        ("label_contract", contract_input("ordinal", label={"step": 0})),
    ],
)
def test_the_schemas_refuse_what_the_models_refuse(name: str, value: object) -> None:
    assert not Draft202012Validator(json_schemas()[name]).is_valid(value)


def test_every_topic_is_a_channel() -> None:
    channels = DOCUMENT["channels"]

    assert {name: channel["address"] for name, channel in channels.items()} == {one.name: one.name for one in TOPICS}
    for topic in TOPICS:
        binding = channels[topic.name]["bindings"]["kafka"]
        assert binding["bindingVersion"] == "0.5.0"
        assert binding["topicConfiguration"]["cleanup.policy"] == [topic.kept.value]


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))

    assert len(found) > len(TOPICS)
    for reference in found:
        assert reference.startswith("#/")
        assert resolve(reference, DOCUMENT)


def test_every_topic_has_somebody_who_sends_and_every_operation_its_channel() -> None:
    operations = DOCUMENT["operations"].values()

    sent = {one["channel"]["$ref"] for one in operations if one["action"] == "send"}

    assert sent == {f"#/channels/{topic.name}" for topic in TOPICS}
    for one in operations:
        assert one["messages"][0]["$ref"].startswith(one["channel"]["$ref"] + "/messages/")


def test_every_message_says_its_key_its_payload_and_its_content_type() -> None:
    for topic in TOPICS:
        message = DOCUMENT["components"]["messages"][topic.name]
        name = "Bytes" if topic.value is None else topic.value.__name__
        assert message["payload"] == {"$ref": f"#/components/schemas/{name}"}
        assert message["bindings"]["kafka"]["key"]["description"] == topic.key
        assert message["contentType"].endswith("octet-stream" if topic.value is None else "json")


def test_every_value_of_the_register_has_a_schema_file() -> None:
    assert {topic.value for topic in TOPICS} - {None} == set(EVENTS)


def test_the_payload_schemas_of_the_document_are_valid() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("value", "topic"),
    [
        (an_annotation().model_dump_json().encode(), "annotations.validated"),
        (an_annotation(label="odd").model_dump_json().encode(), "annotations.rejected"),
        (b"\xff", "annotations.dead"),
        (an_annotation(project="unknown").model_dump_json().encode(), "annotations.dead"),
    ],
)
def test_the_validator_writes_the_headers_that_the_document_describes(value: bytes, topic: str) -> None:
    written = judge(value)

    described = resolve(DOCUMENT["components"]["messages"][topic]["headers"]["$ref"], DOCUMENT)
    assert written.topic == topic
    assert [name for name, _ in written.headers] == described["required"]


@pytest.mark.parametrize(("label", "name"), [("safe", "validated_annotation"), ("odd", "rejected_annotation")])
def test_the_validator_writes_what_the_schema_describes(label: str, name: str) -> None:
    written = judge(an_annotation(label=label).model_dump_json(exclude_none=True).encode())

    Draft202012Validator(json_schemas()[name]).validate(json.loads(written.value or b""))
