"""Toloka, and Yandex Tasks with the same API: events that name assignments, and the assignments from the API."""

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest

from assay_schemas.annotation import Action
from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeContext,
    DecodeResult,
    FetchTarget,
    PlatformDelivery,
    Rejected,
    Settings,
    outcome_of,
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
    parse_object,
    quoted,
    seconds_between,
    text_or_empty,
)
from assay_services.gateway.core.platforms.common_fields import chosen_answer, flat_item, plain_label

NAME = "toloka"
_FINISHED = {"ASSIGNMENT_SUBMITTED", "ASSIGNMENT_SKIPPED", "ASSIGNMENT_APPROVED", "ASSIGNMENT_REJECTED"}
_OF_NO_CONCERN = {"ASSIGNMENT_CREATED", "ASSIGNMENT_EXPIRED", "DYNAMIC_OVERLAP_COMPLETED", "TEST_EVENT"}
_ACTIONS = {
    "SUBMITTED": Action.CREATED,
    "ACCEPTED": Action.CREATED,
    "APPROVED": Action.CREATED,
    "REJECTED": Action.DELETED,
    "SKIPPED": Action.SKIPPED,
}


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a webhook delivery: it names the assignments to fetch. A closed pool is read completely once more."""
    del asked
    body = parse_object(delivery.raw)
    if isinstance(body, Malformed):
        return Rejected(body.reason)
    events = body.get("events")
    if not isinstance(events, list):
        return Rejected("the body has no list 'events'; it is no webhook of Toloka")
    wanted: list[FetchTarget] = []
    problems: list[str] = []
    for place, event in enumerate(map(fields, events)):
        kind = text_or_empty(event.get("type", event.get("event_type")))
        resource = "assignment" if kind in _FINISHED else "pool" if kind == "POOL_CLOSED" else None
        found = identifier(event.get(f"{resource}_id"))
        if resource is not None and found is not None:
            wanted.append(FetchTarget(resource, found))
        elif resource is not None:
            problems.append(f"events[{place}] does not say its {resource}_id")
        elif kind not in _OF_NO_CONCERN:
            problems.append(f"events[{place}]: Toloka has no event {quoted(kind)}")
    return outcome_of((), wanted, problems, otherwise="no answer was given or changed")


def decode_assignment(assignment: JsonFields, asked: DecodeContext) -> Annotations:
    """Decode `GET /assignments/{id}`: one annotation per task of the suite, each with an equal share of the time.

    Assignments that the requester rejected are deletions. Active and expired assignments contain nothing.
    """
    action = _ACTIONS.get(text_or_empty(assignment.get("status")))
    tasks, solutions = listing(assignment.get("tasks")), listing(assignment.get("solutions"))
    if action is None:
        return Annotations(())
    pairs = zip_longest(map(fields, tasks), map(fields, solutions[: len(tasks)]), fillvalue=fields(None))
    facts = [
        (f"tasks[{place}]", _fact(assignment, task, solution, asked, action))
        for place, (task, solution) in enumerate(pairs)
    ]
    return settle_all(facts, asked).outcome()


def _fact(
    assignment: JsonFields, task: JsonFields, solution: JsonFields, asked: DecodeContext, action: Action
) -> Fact | Malformed:
    pool = identifier(assignment.get("pool_id"))
    settings = asked.settings_of(pool)
    item = flat_item(fields(task.get("input_values")), settings, otherwise=task.get("id"))
    if isinstance(item, Malformed):
        return item
    label = _label(solution, settings) if action is Action.CREATED else None
    if isinstance(label, Malformed):
        return label
    started, submitted = moment(assignment.get("created")), moment(assignment.get("submitted"))
    seconds = seconds_between(started, submitted)
    own, whole_suite = identifier(task.get("id")), identifier(assignment.get("id"))
    return Fact(
        platform=NAME,
        annotation=None if own is None or whole_suite is None else f"{whole_suite}/{own}",
        project=pool,
        item=item,
        annotator=identifier(assignment.get("user_id")),
        action=action,
        label=label,
        gold=_gold(task, settings),
        occurred_at=_when(assignment, action),
        created_at=submitted,
        lead_time_seconds=None if seconds is None else seconds / len(listing(assignment.get("tasks"))),
    )


def _when(assignment: JsonFields, action: Action) -> datetime | None:
    names: Sequence[str] = {Action.DELETED: ("rejected",), Action.SKIPPED: ("skipped",)}.get(action, ())
    if action is Action.CREATED and assignment.get("rejected") is not None:
        names = ("accepted",)  # accepted after a rejection: must be newer than it
    found = [moment(assignment.get(name)) for name in (*names, "submitted", "created")]
    return next((one for one in found if one is not None), None)


def _label(solution: JsonFields, settings: Settings) -> object:
    answers = fields(solution.get("output_values"))
    chosen = chosen_answer(answers, settings)
    return chosen if isinstance(chosen, Malformed) else plain_label(answers.get(chosen or ""))


def _gold(task: JsonFields, settings: Settings) -> object:
    """Return the gold label of a control task, or None."""
    known = listing(task.get("known_solutions"))
    gold = _label({"output_values": at(known[0], "output_values")}, settings) if known else None
    return None if isinstance(gold, Malformed) else gold
