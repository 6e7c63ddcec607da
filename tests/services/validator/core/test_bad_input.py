"""At least 10,000 mutated and hostile records: each ends with a reason, keeps its bytes, and stops nothing."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import orjson

from assay_models.rules.ruleset import compile_contract
from assay_schemas.topics import DEAD, REJECTED, VALIDATED
from assay_services.engine.core.state import PartitionState
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.validator.core.step import BatchOrigin, ValidatorCore, ValidatorProject
from tests.services.validator.records import ARecord, a_validator
from tests.support.builders import a_contract, annotation_input
from tests.support.kafka_io import put, running, take, until_all_judged

COUNT = 10_000
SEED = 20_261_124

NASTY_VALUES: list[Any] = [
    None, True, -1, 0, 1e308, 10**400, "", " ", "\u200b", "\u202esafe", "safe\u200b", "\x00", "é" * 300, [], {}, [[]],
    [None], {"a": {"b": {}}}, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "yesterday", [{"start": 0, "end": 1, "label": "x"}],
    [{"x": 1, "y": 1, "width": 0, "height": 0, "label": "x"}],
]  # fmt: skip
NASTY_BYTES: list[bytes] = [
    b"", b"null", b"true", b"1", b'"', b"[]", b"{", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"[" * 100_000, b"NaN",
    b'{"id":"\\ud800"}', b'{"id":1e999}', b"{}{}", b'{"a":' * 1_000 + b"1" + b"}" * 1_000, b"\x00" * 100,
]  # fmt: skip


def mutated(rng: random.Random) -> bytes:
    """Return an annotation with one thing wrong, or bytes that never were one."""
    if rng.random() < 0.2:
        return rng.choice(NASTY_BYTES)
    event = annotation_input()
    target = rng.choice([event, event["item"], event["annotator"]])
    field = rng.choice(list(target))
    value = rng.choice(NASTY_VALUES)
    raw: bytes = orjson.dumps(event)
    kind = rng.random()
    if kind < 0.3:
        return raw[: rng.randrange(len(raw))]
    if kind < 0.4:
        place = rng.randrange(len(raw))
        return bytes(raw[:place] + bytes([rng.randrange(256)]) + raw[place + 1 :])
    if kind < 0.5:
        return bytes(raw[:-1] + b',"' + field.encode() + b'":1}')
    if kind < 0.6:
        return raw.replace(b"12.5", rng.choice([b"NaN", b"-Infinity", b"1" + b"0" * 400, b"1e400", b"0x1"]))
    if isinstance(value, int) and abs(value) > 2**63:
        return raw.replace(b'"safe"', str(value).encode())
    target[field] = value
    changed: bytes = orjson.dumps(event)
    return changed


def test_ten_thousand_bad_records_come_to_one_reasoned_verdict_each() -> None:
    rng = random.Random(SEED)
    values = [mutated(rng) for _ in range(COUNT)]
    state, core = PartitionState(), a_validator()

    judged = 0
    for start in range(0, COUNT, 500):
        batch = [ARecord(value, offset=start + i) for i, value in enumerate(values[start : start + 500])]
        step = core.step(state, batch)
        state.apply(step.changes)
        judged += sum(step.verdicts.values())
        for output in step.outputs:
            _has_a_reason(output.topic, output.value, dict(output.headers), values)

    assert judged == COUNT


def _has_a_reason(topic: str, value: bytes | None, headers: dict[str, bytes | None], values: list[bytes]) -> None:
    original = values[int(headers["assay-offset"] or b"-1")]
    if topic == DEAD.name:
        assert value == original
        assert headers["assay-field"]
        assert headers["__connect.errors.exception.message"]
        return
    assert original in (value or b"")
    if topic == REJECTED.name:
        findings = orjson.loads(value or b"")["findings"]
        assert any(found["action"] == "reject" and found["path"] and found["message"] for found in findings)


def hostile() -> Iterator[bytes | None]:
    good = orjson.dumps(annotation_input(occurred_at="2026-01-01T00:00:00Z"))
    yield good
    yield None
    yield from NASTY_BYTES
    yield b"x" * (5 * 1024 * 1024)
    yield good.replace(b'"safe"', b'"s\xe2\x80\x8bafe"').replace(b"an-881", b"an-882")


def test_hostile_records_pass_through_a_real_kafka(settings: RuntimeSettings) -> None:
    sent = list(hostile())
    contract = a_contract()
    projects: dict[str, ValidatorProject] = {contract.project: ValidatorProject(compile_contract(contract))}

    async def run() -> dict[str, list[Any]]:
        await ensure_topics(settings)
        await put(settings, *sent, key=None)
        async with running(settings, lambda n, _: ValidatorCore(projects, BatchOrigin("annotations", n))) as lane:
            await until_all_judged(settings, lane)
        return {topic.name: await take(settings, topic.name) for topic in (VALIDATED, REJECTED, DEAD)}

    found = asyncio.run(run())

    assert len(found[VALIDATED.name]) == 1
    assert len(found[REJECTED.name]) == 1
    assert [record.value for record in found[DEAD.name]] == sent[1:-1]
    assert all(record.key is None for record in found[DEAD.name])
