"""Machine-readable formats: one JSON Schema per event, and one AsyncAPI document of all topics.

Both are generated from the models and from the register of topics, and stored in `schemas/json/`; a test fails when
they are out of date.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic.json_schema import models_json_schema

from assay_schemas.agreement import AgreementReading, PaneCounts
from assay_schemas.alert import Alert, Observation
from assay_schemas.annotation import Annotation, Event
from assay_schemas.conduct import ConductReport, Signal
from assay_schemas.consensus import AnnotatorCounts, Consensus, Correction, Reliability, ReviewRequest
from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.judged_item import JudgedItem
from assay_schemas.topics import (
    AGREEMENT,
    ALERTS,
    ALERTS_AGREEMENT_STATE,
    ALERTS_CONSENSUS_STATE,
    ALERTS_REJECTED_STATE,
    ALERTS_SIGNALS_STATE,
    ALERTS_STATE,
    ALERTS_VALIDATED_STATE,
    ANNOTATIONS,
    CONDUCT,
    CONDUCT_STATE,
    CONSENSUS,
    CONSENSUS_STATE,
    CONTRACTS,
    CORRECTED,
    COUNTS,
    DEAD,
    JUDGED,
    LARGEST_MESSAGE_BYTES,
    OBSERVED,
    PANES,
    REJECTED,
    RELIABILITY,
    REVIEW,
    SIGNALS,
    TOPICS,
    VALIDATED,
    VALIDATOR_STATE,
    Topic,
)
from assay_schemas.verdict import RejectedAnnotation, ValidatedAnnotation

Json: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EVENTS: tuple[type[Event], ...] = (
    Annotation,
    ValidatedAnnotation,
    RejectedAnnotation,
    LabelContract,
    Consensus,
    Correction,
    ReviewRequest,
    AgreementReading,
    Reliability,
    PaneCounts,
    AnnotatorCounts,
    JudgedItem,
    Signal,
    ConductReport,
    Observation,
    Alert,
)
_VERSION = "1.0.0"
_BINDING_VERSION = "0.5.0"
_COMPONENT = "#/components/schemas/{model}"


class _TopicUse(NamedTuple):
    """Which service sends to or receives from which topic."""

    who: str
    action: Literal["send", "receive"]
    topic: Topic


_ALERTS_STATES = (
    ALERTS_STATE,
    ALERTS_VALIDATED_STATE,
    ALERTS_REJECTED_STATE,
    ALERTS_CONSENSUS_STATE,
    ALERTS_AGREEMENT_STATE,
    ALERTS_SIGNALS_STATE,
)
_DUTIES = (
    _TopicUse("gateway", "send", ANNOTATIONS),
    _TopicUse("import", "send", ANNOTATIONS),
    _TopicUse("contract-apply", "send", CONTRACTS),
    _TopicUse("validator", "receive", ANNOTATIONS),
    _TopicUse("validator", "receive", CONTRACTS),
    _TopicUse("validator", "receive", VALIDATOR_STATE),
    _TopicUse("validator", "send", VALIDATED),
    _TopicUse("validator", "send", REJECTED),
    _TopicUse("validator", "send", DEAD),
    _TopicUse("validator", "send", VALIDATOR_STATE),
    *(_TopicUse("consensus", "receive", topic) for topic in (VALIDATED, CONTRACTS, PANES, COUNTS, CONSENSUS_STATE)),
    *(
        _TopicUse("consensus", "send", topic)
        for topic in (CONSENSUS, CORRECTED, REVIEW, AGREEMENT, RELIABILITY, PANES, COUNTS, JUDGED, CONSENSUS_STATE)
    ),
    *(_TopicUse("conduct", "receive", topic) for topic in (JUDGED, CONTRACTS, CONDUCT_STATE)),
    *(_TopicUse("conduct", "send", topic) for topic in (SIGNALS, CONDUCT, CONDUCT_STATE)),
    *(
        _TopicUse("alerts", "receive", topic)
        for topic in (VALIDATED, REJECTED, CONSENSUS, AGREEMENT, SIGNALS, CONTRACTS, OBSERVED, *_ALERTS_STATES)
    ),
    *(_TopicUse("alerts", "send", topic) for topic in (OBSERVED, ALERTS, *_ALERTS_STATES)),
)
_CLOUD_EVENTS = (CONSENSUS, CORRECTED, REVIEW, AGREEMENT, RELIABILITY, JUDGED, SIGNALS, CONDUCT, ALERTS)
_HEADERS = {
    ANNOTATIONS.name: "CloudEventHeaders",
    VALIDATED.name: "VerdictHeaders",
    REJECTED.name: "VerdictHeaders",
    DEAD.name: "DeadLetterHeaders",
    **{topic.name: "CloudEventHeaders" for topic in _CLOUD_EVENTS},
}


def json_schemas() -> dict[str, Json]:
    """Return a JSON Schema of each event, by its name in snake case, which is also its file's name."""
    return {_snake_case(event.__name__): {"$schema": DIALECT} | _plain(event.model_json_schema()) for event in EVENTS}


def asyncapi_document() -> Json:
    """Return the AsyncAPI document: every topic is a channel, named without the prefix."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Assay",
            "version": _VERSION,
            "description": "The topics of Assay. Where ASSAY_PREFIX is set, every address begins with it.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "kafka:9092",
                "protocol": "kafka",
                "description": "As in docker-compose.yml; elsewhere, what ASSAY_KAFKA says.",
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {f"{duty.who}.{duty.action}.{duty.topic.name}": _operation(duty) for duty in _DUTIES},
        "components": {
            "messages": {topic.name: _message(topic) for topic in TOPICS},
            "schemas": _event_schemas() | _header_schemas() | {"Bytes": {"type": "string", "format": "binary"}},
        },
    }


def write_generated(folder: Path) -> None:
    """Write all files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _generated().items():
        (folder / name).write_text(text, encoding="utf-8")


def stale(folder: Path) -> list[str]:
    """Return the names of files that are missing, out of date, or no longer generated."""
    wanted = _generated()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def _generated() -> dict[str, str]:
    documents = json_schemas() | {"asyncapi": asyncapi_document()}
    return {
        f"{name}.json": json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for name, document in documents.items()
    }


def _channel(topic: Topic) -> Json:
    kafka: Json = {
        "bindingVersion": _BINDING_VERSION,
        "topicConfiguration": {
            "cleanup.policy": [topic.kept.value],
            "max.message.bytes": LARGEST_MESSAGE_BYTES,
        },
    }
    return {
        "address": topic.name,
        "description": topic.purpose,
        "messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": {"kafka": kafka | ({"partitions": 1} if topic.single else {})},
    }


def _message(topic: Topic) -> Json:
    """Return the message of a topic; its value is bytes if no model describes it."""
    name = "Bytes" if topic.value is None else topic.value.__name__
    headers = _HEADERS.get(topic.name)
    key = {"type": "string", "description": topic.key}
    return {
        "name": name,
        "summary": topic.purpose,
        "contentType": "application/octet-stream" if topic.value is None else "application/json",
        "payload": {"$ref": _COMPONENT.format(model=name)},
        "bindings": {"kafka": {"bindingVersion": _BINDING_VERSION, "key": key}},
    } | ({} if headers is None else {"headers": {"$ref": _COMPONENT.format(model=headers)}})


def _operation(duty: _TopicUse) -> Json:
    channel = f"#/channels/{duty.topic.name}"
    return {
        "action": duty.action,
        "summary": f"{duty.who} {duty.action}s: {duty.topic.purpose}",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{duty.topic.name}"}],
    }


def _event_schemas() -> Json:
    _, found = models_json_schema([(event, "validation") for event in EVENTS], ref_template=_COMPONENT)
    schemas: Json = _plain(found["$defs"])
    return schemas


def _header_schemas() -> Json:
    cloud_event = {
        "ce_specversion": "The version of CloudEvents: 1.0.",
        "ce_id": "The annotation's id; a repeat of the same fact has the same id.",
        "ce_type": "What happened, e.g. assay.annotation.validated.",
        "ce_source": "Whose word it is, e.g. assay/validator.",
    }
    verdict = cloud_event | {
        "ce_time": "When the judged record reached Kafka: RFC 3339, UTC.",
        "content-type": "application/json",
        "assay-offset": "The offset of the judged record, on the partition of the same number.",
    }
    dead_letter = {
        "__connect.errors.topic": "The topic that the bytes came from.",
        "__connect.errors.partition": "Its partition.",
        "__connect.errors.offset": "The offset there.",
        "__connect.errors.stage": "What failed: VALUE_CONVERTER.",
        "__connect.errors.class.name": "Who found it.",
        "__connect.errors.exception.class.name": "The kind of objection.",
        "__connect.errors.exception.message": "What is wrong, and what to do.",
        "assay-reason": "A short code: not-json, repeated-key, unreadable-row, unknown-project, invalid-…",
        "assay-field": "The field at fault, or `value`.",
        "assay-offset": "The offset again, as on every output.",
    }
    return {
        "CloudEventHeaders": _headers("CloudEvents, Kafka binding, binary mode.", cloud_event),
        "VerdictHeaders": _headers("CloudEvents, and which record was judged.", verdict),
        "DeadLetterHeaders": _headers("The record's own headers, then Kafka Connect's and ours.", dead_letter),
    }


def _headers(description: str, meanings: Mapping[str, str]) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": {name: {"type": "string", "description": meaning} for name, meaning in meanings.items()},
        "required": list(meanings),
    }


def _plain(schema: Any) -> Any:  # noqa: ANN401  # any part of a JSON document
    """Return the schema without OpenAPI's `discriminator`: JSON Schema lacks it, and AsyncAPI's differs."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _plain(part) for name, part in schema.items() if not (name == "discriminator" and "mapping" in part)}


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def main(arguments: Sequence[str]) -> int:
    """Write the files (`--write`), or report which are out of date (`--check`). Return the exit code."""
    folder = Path(__file__).parents[3] / "schemas" / "assay_schemas" / "json"
    if "--write" in arguments:
        write_generated(folder)
    old = stale(folder)
    if old:
        sys.stderr.write(f"not current: {', '.join(old)}; run `make schemas`\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
