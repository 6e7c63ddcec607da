"""The review queue by priority, and the outcome of decisions."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Engine

from assay_schemas.annotation import ALL_PROJECTS, AnnotationId, Item, ItemId, Label, ProjectId
from assay_services.console.reviews.claims import Candidate
from assay_services.stores.archive.queries.db import asking, moment, parsed, row, rows

_LABEL: TypeAdapter[Label] = TypeAdapter(Label)
_AT_ONCE = 100
_MINE = "(:project = '' OR project = :project)"


class DecisionOutcome(NamedTuple):
    """The outcome of a decision: whether the consensus follows it, and why it was rejected, if it was."""

    is_followed: bool
    refused: str | None


def candidates(archive: Engine, project: ProjectId = ALL_PROJECTS) -> Iterator[Candidate]:
    """Yield the items that wait for review, of one project or of all, highest priority first.

    They are read page by page, so that the queue may be long.
    """
    after = ""
    last_row: dict[str, object] = {}
    while True:
        with asking(archive) as connection:
            page = rows(
                connection,
                f"SELECT project, item, priority, as_of FROM reviews WHERE {_MINE}{after}"  # noqa: S608  # constants only
                " ORDER BY priority DESC, project, item LIMIT :most",
                project=project,
                most=_AT_ONCE,
                **last_row,
            )
        yield from (Candidate(one["project"], one["item"], moment(one["as_of"])) for one in page)
        if len(page) < _AT_ONCE:
            return
        last = page[-1]
        last_row = {"priority": last["priority"], "last_project": last["project"], "last_item": last["item"]}
        after = (
            " AND (priority < :priority OR priority = :priority"
            " AND (project > :last_project OR project = :last_project AND item > :last_item))"
        )


def waiting(archive: Engine, project: ProjectId = ALL_PROJECTS) -> int:
    """Return how many items wait for review."""
    with asking(archive) as connection:
        counted = row(connection, f"SELECT count(*) AS n FROM reviews WHERE {_MINE}", project=project)  # noqa: S608
    return int(counted["n"]) if counted else 0


def as_annotated(archive: Engine, project: ProjectId, item: ItemId) -> Item:
    """Return everything annotations state about an item, so that a decision carries all of it."""
    with asking(archive) as connection:
        stored = row(
            connection,
            "SELECT text, features, media, gold, gold_kind, attributes FROM items"
            " WHERE project = :project AND item = :item",
            project=project,
            item=item,
        )
    if stored is None:
        return Item.model_validate({"id": item})
    gold, is_text = stored["gold"], stored["gold_kind"] in {None, "text"}
    fields = {
        "id": item,
        "text": stored["text"],
        "features": parsed(stored["features"]),
        "media": parsed(stored["media"]),
        "gold": gold if is_text else _LABEL.validate_json(str(gold)),
        "attributes": parsed(stored["attributes"]),
    }
    return Item.model_validate(fields)


def outcome_of(archive: Engine, project: ProjectId, item: ItemId, decision: AnnotationId) -> DecisionOutcome:
    """Return the outcome of a decision, as far as the archive has it."""
    about = {"project": project, "item": item}
    with asking(archive) as connection:
        consensus = row(
            connection,
            "SELECT c.status FROM consensus AS c"
            " JOIN votes AS v ON v.project = c.project AND v.item = c.item AND v.id = :id AND v.live"
            " WHERE c.project = :project AND c.item = :item",
            **about,
            id=decision,
        )
        refused = row(
            connection,
            "SELECT findings FROM annotations WHERE project = :project AND item = :item AND id = :id"
            " AND verdict = 'rejected'",
            **about,
            id=decision,
        )
    reasons = [one["message"] for one in parsed(refused["findings"])] if refused else []
    return DecisionOutcome(consensus is not None and consensus["status"] == "adjudicated", "; ".join(reasons) or None)
