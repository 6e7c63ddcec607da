"""Appen (Figure Eight, CrowdFlower): a form whose `payload` is JSON about a unit or its judgments."""

from assay_schemas.annotation import Action
from assay_services.gateway.core.decode_result import (
    DecodeContext,
    DecodeResult,
    Fetch,
    FetchTarget,
    Nothing,
    PlatformDelivery,
    Rejected,
    Settings,
)
from assay_services.gateway.core.platforms.annotation_facts import Fact, settle_all
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    at,
    fields,
    identifier,
    listing,
    moment,
    parse,
    quoted,
    seconds_between,
)
from assay_services.gateway.core.platforms.common_fields import chosen_answer, flat_item, plain_label
from assay_services.gateway.core.signatures import read_form

NAME = "appen"
_OF_NO_CONCERN = {"job_data_processed", "unit_created"}
_GOLD = "_gold"


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a webhook delivery."""
    form = read_form(delivery.raw)
    signal = form.get("signal")
    if signal is None or "payload" not in form:
        return Rejected("the body is no form with 'signal' and 'payload'; it is no webhook of Appen")
    if signal in _OF_NO_CONCERN:
        return Nothing(f"{signal} says nothing about judgments")
    if signal not in {"unit_complete", "new_judgments", "job_complete"}:
        return Rejected(f"Appen has no signal {quoted(signal)}")
    payload = parse(form["payload"])
    if isinstance(payload, Malformed):
        return Rejected(f"payload: {payload.reason}")
    if signal == "job_complete":
        job = identifier(fields(payload).get("id"))
        return (
            Rejected("the job has no id") if job is None else Fetch((FetchTarget("job", job),), "the job is complete")
        )
    return _units(payload if isinstance(payload, list) else [payload], asked)


def _units(payload: list[object], asked: DecodeContext) -> DecodeResult:
    """Read units with their judgments, or judgments alone."""
    facts: list[tuple[str, Fact | Malformed]] = []
    missing: list[FetchTarget] = []
    for one in map(fields, payload):
        judgments = at(one, "results.judgments")
        if not isinstance(judgments, list) and "worker_id" in one:
            judgments = [one]
        unit = identifier(one.get("id"))
        if not isinstance(judgments, list) and unit is not None:
            missing.append(FetchTarget("unit", unit))
        for judgment in map(fields, listing(judgments)):
            name = f"judgment {identifier(judgment.get('id')) or 'without an id'}"
            facts.append((name, _fact(one, judgment, asked)))
    if not any(map(fields, payload)):
        return Rejected("the payload names no unit and no judgment")
    return settle_all(facts, asked).result(missing, otherwise="there is no judgment in it")


def _fact(unit: JsonFields, judgment: JsonFields, asked: DecodeContext) -> Fact | Malformed:
    job = identifier(judgment.get("job_id")) or identifier(unit.get("job_id"))
    settings = asked.settings_of(job)
    values = fields(judgment.get("unit_data")) or (fields(unit.get("data")) if unit is not judgment else {})
    shown = {name: value for name, value in values.items() if not name.endswith(_GOLD)}
    item = flat_item(shown, settings, otherwise=judgment.get("unit_id") or unit.get("id"))
    if isinstance(item, Malformed):
        return item
    label, gold = _label(judgment, values, settings)
    if isinstance(label, Malformed):
        return label
    started, made = moment(judgment.get("started_at")), moment(judgment.get("created_at"))
    refused = judgment.get("rejected") is True or judgment.get("tainted") is True
    return Fact(
        platform=NAME,
        annotation=identifier(judgment.get("id")),
        project=job,
        item=item,
        annotator=identifier(judgment.get("worker_id")),
        action=Action.DELETED if refused else Action.CREATED,
        label=None if refused else label,
        gold=gold,
        occurred_at=moment(judgment.get("updated_at")) or made,
        created_at=made,
        lead_time_seconds=seconds_between(started, made),
    )


def _label(judgment: JsonFields, values: JsonFields, settings: Settings) -> tuple[object, object]:
    """Return the answer, and the gold label if the unit is a test question (`<field>_gold`)."""
    answers = fields(judgment.get("data"))
    chosen = chosen_answer(answers, settings)
    if isinstance(chosen, Malformed):
        return chosen, None
    gold = plain_label(values.get(f"{chosen}{_GOLD}"))
    answer = answers.get(chosen or "")
    return _shapes_in(answer) or plain_label(answer), None if isinstance(gold, Malformed) else gold


def _shapes_in(answer: object) -> Malformed | None:
    """Return why an answer is no label: the image tool writes its shapes as JSON in a text."""
    if not isinstance(answer, str) or answer.lstrip()[:1] not in ("[", "{"):
        return None
    written = parse(answer)
    if not isinstance(written, list | dict):
        return None
    read = plain_label(written)
    return Malformed(f"{read.reason}: it is JSON in a text") if isinstance(read, Malformed) else None
