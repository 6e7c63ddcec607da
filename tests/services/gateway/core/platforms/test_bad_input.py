"""10,000 mutated and hostile deliveries over all decoders: each comes to an outcome, none raises."""

import copy
import json
import random
from typing import Any, get_args
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_schemas.json_data import Json
from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeResult,
    EarlierAnnotation,
    Fetch,
    Nothing,
    PlatformDelivery,
    Rejected,
)
from assay_services.gateway.core.platforms.cvat import FetchedJob, decode_job
from assay_services.gateway.core.platforms.label_studio import decode_task
from assay_services.gateway.core.platforms.labelbox import decode_row
from assay_services.gateway.core.platforms.registry import PLATFORMS
from assay_services.gateway.core.platforms.toloka import decode_assignment
from assay_services.gateway.core.signatures import SignatureRefused, verify
from tests.services.gateway.payloads import GENERIC_MAPPING, GOOD, appen_form, asked, ls_project
from tests.support.builders import NOW

COUNT = 10_000
SEED = 20_261_124

NASTY_VALUES: list[Any] = [
    None, True, -1, 0, 1e308, -1e308, 10**400, float("nan"), float("inf"), "", " ", "\ud800", "\U0001f600", "\x00",
    "é" * 300, "x" * 200_000, [], {}, [[]], [None], [1], [{}], {"a": {"b": {}}}, "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00", "2026-02-30T00:00:00Z", "yesterday", "http://[", "https://u:p@h/x?token=1",
    "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", [[["deep"]]], {"id": {"id": []}}, ["a", 1], [[1, 2], [3]], 2**53 + 1,
]  # fmt: skip
NASTY_BYTES: list[bytes] = [
    b"", b"null", b"true", b"1", b'"', b"[]", b"{", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"[" * 100_000, b"NaN",
    b'{"action":"\\ud800"}', b'{"id":1e999}', b"{}{}", b'{"a":' * 900 + b"1" + b"}" * 900, b"\x00" * 100,
    b'{"a":1,"a":2}', b'{"a":' + b"9" * 5_000 + b"}", b"signal=unit_complete&payload=%FF", b"&" * 500,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401  # JSON of any shape
    found = [path]
    if len(path) > 12:
        return found
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        found += places(child, (*path, key))
    return found


def changed(body: Any, rng: random.Random) -> Any:  # noqa: ANN401  # JSON of any shape
    """Return the body with one thing in it replaced, taken away, or wrapped in many lists."""
    path = rng.choice(places(body)[1:] or [()])
    parent = body
    for step in path[:-1]:
        parent = parent[step]
    if not path:
        return copy.deepcopy(rng.choice(NASTY_VALUES))
    kind = rng.random()
    if kind < 0.2:
        del parent[path[-1]]
    elif kind < 0.25:
        for _ in range(250):
            parent[path[-1]] = [parent[path[-1]]]
    else:
        parent[path[-1]] = copy.deepcopy(rng.choice(NASTY_VALUES))
    return body


def mutated(delivery: PlatformDelivery, rng: random.Random) -> PlatformDelivery:
    raw, kind = delivery.raw, rng.random()
    if kind < 0.1:
        return PlatformDelivery(rng.choice(NASTY_BYTES), delivery.headers)
    if kind < 0.2:
        return PlatformDelivery(raw[: rng.randrange(len(raw))], delivery.headers)
    if kind < 0.25:
        place = rng.randrange(len(raw))
        return PlatformDelivery(raw[:place] + bytes([rng.randrange(256)]) + raw[place + 1 :], delivery.headers)
    if kind < 0.3:
        return PlatformDelivery(raw.replace(b":", b':1,"x":', 1), delivery.headers)
    if kind < 0.35:
        return PlatformDelivery(raw, {name: rng.choice(["", "\r\nx: y", "\ud800", "v1,"]) for name in delivery.headers})
    if raw.startswith(b"signal="):
        form = dict(parse_qsl(raw.decode()))
        return PlatformDelivery(appen_form(form["signal"], changed(json.loads(form["payload"]), rng)), delivery.headers)
    lines = raw.splitlines()
    body = json.loads(raw) if len(lines) == 1 else [json.loads(line) for line in lines]
    for _ in range(rng.randrange(1, 4)):
        body = changed(body, rng)
    return PlatformDelivery(json.dumps(body).encode(), delivery.headers)


def is_sound(outcome: DecodeResult) -> bool:
    if isinstance(outcome, Annotations):
        written = [one.model_dump_json().encode() for one in outcome.annotations]
        return bool(written) and all(isinstance(problem.encode(), bytes) for problem in outcome.problems)
    if isinstance(outcome, Fetch):
        return bool(outcome.wanted) and bool(outcome.reason.encode())
    assert isinstance(outcome, Nothing | Rejected)
    return bool(outcome.reason.encode())


def test_ten_thousand_bad_deliveries_come_to_an_outcome_each() -> None:
    rng = random.Random(SEED)
    known = EarlierAnnotation("i1", "a1", "p1", NOW)
    knowing = asked(known=lambda one: known if one == "2" else None, held=lambda _: ["2", "3"])
    mapped = asked(mapping=GENERIC_MAPPING)
    names = [(name, one) for name, several in GOOD.items() for one in several]

    for count in range(COUNT):
        name, good = names[count % len(names)]
        bad = mutated(good, rng)

        outcome = PLATFORMS[name].decode(bad, mapped if name == "generic" else knowing)

        assert isinstance(outcome, get_args(DecodeResult))
        assert is_sound(outcome), (name, bad)


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("raw", NASTY_BYTES)
def test_no_decoder_raises_on_hostile_bytes(name: str, raw: bytes) -> None:
    outcome = PLATFORMS[name].decode(PlatformDelivery(raw, {"x-labelbox-event": "LABEL_CREATED"}), asked())

    assert is_sound(outcome)


@pytest.mark.parametrize("name", PLATFORMS)
def test_nothing_known_to_nobody_is_accepted(name: str) -> None:
    outcome = PLATFORMS[name].decode(PlatformDelivery(b'{"hello": "world"}'), asked(mapping=GENERIC_MAPPING))

    assert not isinstance(outcome, Annotations)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(NASTY_VALUES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
def test_no_answer_of_an_api_makes_its_decoder_raise(one: Json, other: Json, third: Json) -> None:
    task = {"id": 1, "data": other, "meta": third, "annotations": [{"id": 1, "result": one, "completed_by": third}]}
    assignment = {"id": "a", "status": "SUBMITTED", "tasks": [{"id": "t", "input_values": one}], "solutions": other}
    row = {"data_row": one, "projects": {"p": {"labels": [{"id": "l", "annotations": other}]}}}
    shape = {"frame": 1, "label_id": 1, "type": "polygon", "points": one}
    job = FetchedJob(job={"id": 1, "assignee": third}, annotations={"shapes": [shape], "tags": other}, labels={1: "x"})

    decoded = [
        decode_task(task, ls_project(), asked()),
        decode_assignment(assignment, asked()),
        decode_row(row, asked()),
        decode_job(job, asked()),
    ]

    assert all(isinstance(one, Annotations) for one in decoded)


@given(st.binary(), st.dictionaries(st.sampled_from([
    "toloka-signature", "webhook-id", "webhook-timestamp", "webhook-signature", "x-signature-256", "x-hub-signature",
    "scale-callback-auth", "authorization",
]), st.text()), st.lists(st.text(), max_size=3))  # fmt: skip
def test_no_header_makes_a_verification_raise(raw: bytes, headers: dict[str, str], secrets: list[str]) -> None:
    unguessable = [f"{secret}-0f3a9c" for secret in secrets]

    for platform in PLATFORMS.values():
        verdict = verify(platform.scheme, unguessable, PlatformDelivery(raw, headers), now=NOW)

        assert isinstance(verdict, SignatureRefused)
