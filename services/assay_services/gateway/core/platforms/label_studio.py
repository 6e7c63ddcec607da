"""Label Studio: decode webhooks and API tasks into annotations."""

from collections.abc import Callable, Mapping
from functools import partial

from assay_schemas.annotation import Action, Annotation
from assay_services.gateway.core.decode_result import (
    EVERYTHING,
    Annotations,
    DecodeContext,
    DecodeResult,
    Fetch,
    FetchTarget,
    Nothing,
    PlatformDelivery,
    Rejected,
    Settings,
    outcome_of,
    unique,
)
from assay_services.gateway.core.platforms.annotation_facts import Fact, deletions, settle_all
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
)
from assay_services.gateway.core.platforms.label_studio_config import LabelConfig, read_label_config
from assay_services.gateway.core.platforms.label_studio_item import Shown, item_of, shown_by
from assay_services.gateway.core.platforms.label_studio_result import ResultLabel, label_of

NAME = "label-studio"
_OF_NO_CONCERN = {
    "PROJECT_CREATED", "PROJECT_UPDATED", "PROJECT_DELETED", "LABEL_LINK_CREATED", "LABEL_LINK_UPDATED",
    "LABEL_LINK_DELETED", "REVIEW_CREATED", "REVIEW_UPDATED", "REVIEWS_DELETED", "START_TRAINING",
}  # fmt: skip


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a webhook delivery."""
    body = parse_object(delivery.raw)
    if isinstance(body, Malformed):
        return Rejected(body.reason)
    action = body.get("action")
    if not isinstance(action, str):
        return Rejected("the body has no 'action'; it is no webhook of Label Studio")
    if action in _OF_NO_CONCERN:
        return Nothing(f"{action} says nothing about annotations")
    if action not in _DECODERS:
        return Rejected(f"Label Studio has no action {quoted(action)}")
    if len(body) == 1:
        everything = FetchTarget("project", asked.platform_project or EVERYTHING)
        return Fetch((everything,), f"{action} came without a payload (send_payload is off)")
    return _DECODERS[action](body, asked)


def decode_task(task: JsonFields, project: JsonFields, asked: DecodeContext) -> Annotations:
    """Decode one task of `GET /api/tasks?fields=all` or of an export; `project` is that of `GET /api/projects/{id}`.

    The project must have its label config: without it, a label may differ from the webhook's.
    """
    facts: list[tuple[str, Fact | Malformed]] = []
    for one in map(fields, listing(task.get("annotations"))):
        created, updated = moment(one.get("created_at")), moment(one.get("updated_at"))
        edited = created is not None and updated is not None and (updated - created).total_seconds() > 1
        action = Action.UPDATED if edited else Action.CREATED
        facts.append((_name(one), _fact(one, task, project, asked, action=action)))
    return settle_all(facts, asked).outcome()


def item_id(task: JsonFields, asked: DecodeContext) -> str | None:
    """Return the id of a task's item in Assay, or None if it has none."""
    item = item_of(task, (), None, asked.settings_of(identifier(task.get("project"))))
    return None if isinstance(item, Malformed) else str(item["id"])


def _name(annotation: JsonFields) -> str:
    return f"annotation {identifier(annotation.get('id')) or 'without an id'}"


def _annotated(body: JsonFields, asked: DecodeContext, *, action: Action) -> DecodeResult:
    """Read one annotation with its task, or lists of both that correspond by position."""
    one, task = body.get("annotation"), body.get("task")
    annotations = list(map(fields, one if isinstance(one, list) else [one]))
    tasks = list(map(fields, task if isinstance(task, list) else [task]))
    by_id = {identifier(each.get("id")): each for each in tasks}
    facts: list[tuple[str, Fact | Malformed]] = []
    missing: list[FetchTarget] = []
    for place, annotation in enumerate(annotations):
        named = identifier(annotation.get("task"))
        own = tasks[place] if place < len(tasks) else {}
        if named is not None and identifier(own.get("id")) != named:
            own = by_id.get(named, {})
        if "data" not in own and named is not None and annotation.get("id") is not None:
            missing.append(FetchTarget("task", named))
            continue
        facts.append((_name(annotation), _fact(annotation, own, fields(body.get("project")), asked, action=action)))
    return settle_all(facts, asked).result(missing, otherwise="there is no task beside the annotation")


def _annotations_deleted(body: JsonFields, asked: DecodeContext) -> DecodeResult:
    ids = _ids(body.get("annotations"))
    if not ids:
        return Rejected("ANNOTATIONS_DELETED names no annotation")
    found, unknown = deletions(NAME, ids, asked, source_project=_project_id(body, asked))
    return outcome_of(found, unknown, (), otherwise="which items these annotations were of is not known")


def _tasks(body: JsonFields, asked: DecodeContext, *, deleted: bool) -> DecodeResult:
    """Request new tasks, which may have annotations. For deleted tasks, delete the known annotations."""
    ids = _ids(body.get("tasks"))
    if not ids:
        return Rejected("the body names no task")
    if not deleted:
        return Fetch(unique([FetchTarget("task", one) for one in ids]), "imported tasks may have come with annotations")
    project = _project_id(body, asked)
    found: list[Annotation] = []
    wanted: list[FetchTarget] = []
    for one in ids:
        gone, unknown = deletions(NAME, asked.held(one), asked, source_project=project)
        found += gone
        wanted += unknown if gone or unknown else [FetchTarget("task", one)]
    return outcome_of(found, wanted, (), otherwise="which annotations these tasks had is not known")


def _ids(value: object) -> list[str]:
    found = [identifier(fields(one).get("id")) for one in (value if isinstance(value, list) else [value])]
    return [one for one in found if one is not None]


def _project_id(body: JsonFields, asked: DecodeContext) -> str | None:
    project = body.get("project")
    return identifier(project) or identifier(fields(project).get("id")) or asked.platform_project


def _fact(
    one: JsonFields, task: JsonFields, project: JsonFields, asked: DecodeContext, *, action: Action
) -> Fact | Malformed:
    source = identifier(project.get("id")) or identifier(one.get("project")) or identifier(task.get("project"))
    settings, config = asked.settings_of(source), read_label_config(project.get("label_config"))
    skipped = one.get("was_cancelled") is True
    said = _said(None if skipped else one.get("result"), task, config, settings)
    if isinstance(said, Malformed):
        return said
    item = item_of(task, shown_by(said.control, config), one.get("result"), settings)
    if isinstance(item, Malformed):
        return item
    before = _said(at(one, "prediction.result"), task, config, settings)
    created = moment(one.get("created_at"))
    return Fact(
        platform=NAME,
        annotation=identifier(one.get("id")) or identifier(one.get("unique_id")),
        project=source,
        item=item,
        annotator=_annotator(one.get("completed_by")),
        action=Action.SKIPPED if skipped else action,
        label=said.label,
        prelabel=None if isinstance(before, Malformed) else before.label,
        gold=said.label if one.get("ground_truth") is True else None,
        occurred_at=moment(one.get("updated_at")) or created,
        created_at=created,
        lead_time_seconds=one.get("lead_time"),
        thing=identifier(task.get("id")),
        unread=said.unread,
        notes=said.notes,
    )


def _said(result: object, task: JsonFields, config: LabelConfig, settings: Settings) -> ResultLabel | Malformed:
    def shown_of(control: str | None) -> Shown:
        return Shown.of(task, shown_by(control, config), settings)

    return label_of(result, config, settings.controls, shown_of)


def _annotator(completed_by: object) -> str | None:
    """Return the annotator's id: a number in webhooks, an object in some API responses."""
    return identifier(completed_by) or identifier(fields(completed_by).get("id"))


_DECODERS: Mapping[str, Callable[[JsonFields, DecodeContext], DecodeResult]] = {
    "ANNOTATION_CREATED": partial(_annotated, action=Action.CREATED),
    "ANNOTATIONS_CREATED": partial(_annotated, action=Action.CREATED),
    "ANNOTATION_UPDATED": partial(_annotated, action=Action.UPDATED),
    "ANNOTATIONS_DELETED": _annotations_deleted,
    "TASKS_CREATED": partial(_tasks, deleted=False),
    "TASKS_DELETED": partial(_tasks, deleted=True),
}
