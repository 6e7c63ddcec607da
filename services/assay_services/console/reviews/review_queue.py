"""What waits for a reviewer, what says most first; and what became of what was decided."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Engine

from assay_schemas.annotation import Item, Label
from assay_services.console.reviews.claims import Candidate
from assay_services.stores.archive.queries.db import asking, moment, parsed, row, rows

_LABEL: TypeAdapter[Label] = TypeAdapter(Label)
_AT_ONCE = 100
_MINE = "(:project = '' OR project = :project)"


class Became(NamedTuple):
    """What is known downstream of a decision: whether the consensus follows it, and why it was refused, if it was."""

    is_followed: bool
    refused: str | None


def candidates(archive: Engine, project: str = "") -> Iterator[Candidate]:
    """Yield the items that wait, of one project or ('') of all, the highest priority first.

    Read page by page from where the last page ended, so that the queue may be long.
    """
    after = ""
    place: dict[str, object] = {}
    while True:
        with asking(archive) as connection:
            found = rows(
                connection,
                f"SELECT project, item, priority, as_of FROM reviews WHERE {_MINE}{after}"  # noqa: S608  # our own words
                " ORDER BY priority DESC, project, item LIMIT :most",
                project=project,
                most=_AT_ONCE,
                **place,
            )
        yield from (Candidate(one["project"], one["item"], moment(one["as_of"])) for one in found)
        if len(found) < _AT_ONCE:
            return
        last = found[-1]
        place = {"priority": last["priority"], "last_project": last["project"], "last_item": last["item"]}
        after = (
            " AND (priority < :priority OR priority = :priority"
            " AND (project > :last_project OR project = :last_project AND item > :last_item))"
        )


def waiting(archive: Engine, project: str = "") -> int:
    """Return how many items wait."""
    with asking(archive) as connection:
        found = row(connection, f"SELECT count(*) AS n FROM reviews WHERE {_MINE}", project=project)  # noqa: S608
    return int(found["n"]) if found else 0


def as_annotated(archive: Engine, project: str, item: str) -> Item:
    """Return all that annotations say of an item, so that a decision on it says no less than they."""
    with asking(archive) as connection:
        found = row(
            connection,
            "SELECT text, features, media, gold, gold_kind, attributes FROM items"
            " WHERE project = :project AND item = :item",
            project=project,
            item=item,
        )
    if found is None:
        return Item.model_validate({"id": item})
    gold, is_text = found["gold"], found["gold_kind"] in {None, "text"}
    known = {
        "id": item,
        "text": found["text"],
        "features": parsed(found["features"]),
        "media": parsed(found["media"]),
        "gold": gold if is_text else _LABEL.validate_json(str(gold)),
        "attributes": parsed(found["attributes"]),
    }
    return Item.model_validate(known)


def outcome_of(archive: Engine, project: str, item: str, decision: str) -> Became:
    """Return what became of a decision, as far as the archive knows."""
    about = {"project": project, "item": item}
    with asking(archive) as connection:
        now = row(
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
    return Became(now is not None and now["status"] == "adjudicated", "; ".join(reasons) or None)
