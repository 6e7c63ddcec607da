"""CVAT: webhooks, which only name a changed job, and the job's annotations from the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assay_schemas.annotation import Action
from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeContext,
    DecodeResult,
    Fetch,
    FetchTarget,
    Nothing,
    PlatformDelivery,
    Rejected,
)
from assay_services.gateway.core.platforms.annotation_facts import Fact, settle_all
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    at,
    fields,
    identifier,
    listing,
    media,
    moment,
    parse_object,
    quoted,
)
from assay_services.gateway.core.platforms.cvat_frames import labels_by_frame

NAME = "cvat"
_WANTED = {
    "create:job": "job", "update:job": "job", "delete:job": "job", "create:task": "task", "delete:task": "task",
    "delete:project": "project",
}  # fmt: skip
_RESOURCES = {
    "project", "task", "job", "issue", "comment", "membership", "invitation", "organization", "user",
}  # fmt: skip
_ACTIONS = {"create", "update", "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedJob:
    """A job from the API, with everything needed to decode it.

    `annotations` is `GET /api/jobs/{id}/annotations`, `last` the copy of it that was read before (None: never).
    `labels` has the name of each label id. `frames` has each frame's image and size (`{"name", "width", "height"}`).
    `saved_by` is who changed the job, used if it has no assignee.
    """

    job: JsonFields
    annotations: JsonFields
    last: JsonFields | None = None
    labels: Mapping[int, str] = field(default_factory=dict)
    frames: Mapping[int, JsonFields] = field(default_factory=dict)
    saved_by: str | None = None


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a webhook delivery: it never has annotations, only the job to fetch."""
    del asked
    body = parse_object(delivery.raw)
    if isinstance(body, Malformed):
        return Rejected(body.reason)
    event = body.get("event", body.get("type"))
    if not isinstance(event, str):
        return Rejected("the body has no 'event'; it is no webhook of CVAT")
    if event in _WANTED:
        return _wanted(body, event)
    action, _, resource = event.partition(":")
    if event == "ping" or event.startswith("completed:") or (action in _ACTIONS and resource in _RESOURCES):
        return Nothing(f"{quoted(event)} says nothing about annotations")
    return Rejected(f"CVAT has no event {quoted(event)}")


def _wanted(body: JsonFields, event: str) -> DecodeResult:
    kind = _WANTED[event]
    found = identifier(at(body, f"{kind}.id"))
    if found is None:
        return Rejected(f"the {kind} of {event} has no id")
    changed = set(fields(body.get("before_update")))
    saved = event == "update:job" and changed == {"updated_date"}  # otherwise its stage or assignee changed
    by = identifier(at(body, "sender.id")) if saved else None
    return Fetch((FetchTarget(kind, found, by),), f"{event} says that something changed, not what")


def decode_job(fetched: FetchedJob, asked: DecodeContext) -> Annotations:
    """Compare a job with its last copy frame by frame, and return what was added, changed or deleted.

    An annotation is everything that a job contains about one frame. The item is the task's frame, so jobs over the same
    frame (replicas, ground truth) are about one item. All are attributed to the assignee, at the time of the job's
    change.
    """
    problems: list[str] = []
    control = next(iter(asked.settings_of(identifier(fetched.job.get("project_id"))).controls), None)
    read = labels_by_frame(fetched.annotations, fetched.labels, control, problems, kind=asked.label_kind)
    last = labels_by_frame(fetched.last or {}, fetched.labels, control, [], kind=asked.label_kind)
    now, before = read.labels, last.labels
    # A frame that could not be read last time may have been published before that: its deletion must not be missed.
    every = (now.keys() | before.keys() | last.spoilt) - read.spoilt
    facts = []
    for frame in (one for one in sorted(every) if one in last.spoilt or now.get(one) != before.get(one)):
        action = Action.DELETED if frame not in now else Action.UPDATED if frame in before else Action.CREATED
        fact = _fact(fetched, frame, now.get(frame), action)
        facts.append((f"frame {frame}", replace(fact, unread=tuple(read.unread.get(frame, ())))))
    settled = settle_all(facts, asked)
    return replace(settled, problems=(*problems, *settled.problems)).outcome()


def _fact(fetched: FetchedJob, frame: int, label: object, action: Action) -> Fact:
    job, image = fetched.job, fields(fetched.frames.get(frame))
    task, job_id = identifier(job.get("task_id")), identifier(job.get("id"))
    assignee = job.get("assignee")
    return Fact(
        platform=NAME,
        annotation=None if job_id is None else f"{job_id}/{frame}",
        project=identifier(job.get("project_id")) or task,
        item={
            "id": f"{task or job_id}/{frame}",
            "media": media(image.get("name"), width=image.get("width"), height=image.get("height")),
        },
        annotator=identifier(assignee) or identifier(fields(assignee).get("id")) or fetched.saved_by,
        action=action,
        label=label,
        gold=label if job.get("type") == "ground_truth" else None,
        occurred_at=moment(job.get("updated_date")),
        may_return=True,
    )


def frames_of(meta: JsonFields) -> Mapping[int, JsonFields]:
    """Parse `GET /api/jobs/{id}/data/meta`: each frame's name and size."""
    start = meta.get("start_frame")
    first = start if isinstance(start, int) else 0
    return {first + place: fields(one) for place, one in enumerate(listing(meta.get("frames")))}
