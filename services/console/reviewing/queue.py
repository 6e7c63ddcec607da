"""What waits for a reviewer, what says most first."""

from collections.abc import Iterator

from sqlalchemy import Engine, func, tuple_
from sqlmodel import Session, col, select

from schemas.tables import ReviewRow
from services.console.reviewing.claims import Candidate

_AT_ONCE = 100


def candidates(archive: Engine, project: str | None = None) -> Iterator[Candidate]:
    """Yield the items that wait, of one project or of all, the highest priority first.

    Read page by page from where the last page ended, so that the queue may be long.
    """
    after: tuple[float, str, str] | None = None
    while True:
        page = _page(archive, project, after)
        yield from (Candidate(row.project, row.item, row.as_of) for row in page)
        if len(page) < _AT_ONCE:
            return
        after = (-page[-1].priority, page[-1].project, page[-1].item)


def waiting(archive: Engine, project: str | None = None) -> int:
    """Return how many items wait."""
    count = select(func.count()).select_from(ReviewRow)
    with Session(archive) as session:
        return session.exec(count if project is None else count.where(ReviewRow.project == project)).one()


def _page(archive: Engine, project: str | None, after: tuple[float, str, str] | None) -> list[ReviewRow]:
    place = (-col(ReviewRow.priority), col(ReviewRow.project), col(ReviewRow.item))
    rows = select(ReviewRow).order_by(*place).limit(_AT_ONCE)
    if project is not None:
        rows = rows.where(ReviewRow.project == project)
    if after is not None:
        rows = rows.where(tuple_(*place) > after)
    with Session(archive) as session:
        return list(session.exec(rows).all())
