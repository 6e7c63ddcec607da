"""The index of what was published of one connection, with which reconciliation finds changes."""

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import TypeAdapter
from sqlalchemy import Engine, delete, func
from sqlmodel import Session, col, select

from assay_schemas.annotation import Action, Annotation, AnnotatorId, ItemId, ProjectId
from assay_services.gateway.core.decode_result import EarlierAnnotation
from assay_services.gateway.core.supersession import Ended, ItemAnnotator, place_of
from assay_services.stores.control.tables.connections_and_keys import (
    EndedAnnotation,
    HeldAnnotation,
    HeldThing,
    Intention,
    KeptCopy,
)

_AT_ONCE = 500
_ANNOTATIONS: TypeAdapter[list[Annotation]] = TypeAdapter(list[Annotation])


class PublishedIndex:
    """The annotations of one connection as last published."""

    def __init__(self, engine: Engine, connection: str) -> None:
        """Use the control database and the connection with this name."""
        self._engine = engine
        self._connection = connection

    def known(self, annotation: str) -> EarlierAnnotation | None:
        """Return the published state of an annotation by its id on the platform, or None."""
        with Session(self._engine) as session:
            found = session.get(HeldAnnotation, (self._connection, annotation))
            return (
                None
                if found is None
                else EarlierAnnotation(
                    ItemId(found.item), AnnotatorId(found.annotator), ProjectId(found.project), found.occurred_at
                )
            )

    def held(self, item: ItemId) -> Sequence[str]:
        """Return the platform's ids of an item's annotations."""
        mine = select(HeldAnnotation.annotation).where(
            HeldAnnotation.connection == self._connection, HeldAnnotation.item == item
        )
        with Session(self._engine) as session:
            return session.exec(mine.order_by(HeldAnnotation.annotation)).all()

    def of_thing(self, thing: str) -> Sequence[str]:
        """Return the platform's ids of the annotations of a task or record whose id is not its item's."""
        mine = select(HeldThing.annotation).where(HeldThing.connection == self._connection, HeldThing.thing == thing)
        with Session(self._engine) as session:
            return session.exec(mine.order_by(HeldThing.annotation)).all()

    def things_of(self, item: ItemId) -> Sequence[str]:
        """Return the platform's ids of an item's tasks or records, where they are not the item's id."""
        mine = (
            select(HeldThing.thing)
            .join(
                HeldAnnotation,
                (col(HeldAnnotation.connection) == col(HeldThing.connection))
                & (col(HeldAnnotation.annotation) == col(HeldThing.annotation)),
            )
            .where(HeldThing.connection == self._connection, HeldAnnotation.item == item)
        )
        with Session(self._engine) as session:
            return session.exec(mine.distinct().order_by(HeldThing.thing)).all()

    def place(self, things: Mapping[str, str]) -> None:
        """Store the task or record of annotations, before they are published; nothing that is not held counts."""
        if not things:
            return
        with Session(self._engine) as session:
            for annotation, thing in things.items():
                session.merge(HeldThing(connection=self._connection, annotation=annotation, thing=thing))
            session.commit()

    def within(self, thing: str) -> Sequence[str]:
        """Return the ids of one thing's annotations, which start with `thing/`."""
        mine = select(HeldAnnotation.annotation).where(
            HeldAnnotation.connection == self._connection,
            col(HeldAnnotation.annotation).startswith(f"{thing}/", autoescape=True),
        )
        with Session(self._engine) as session:
            return session.exec(mine.order_by(HeldAnnotation.annotation)).all()

    def counts(self, group_of: Callable[[str, ItemId], str]) -> Counter[str]:
        """Count the annotations per group; `group_of` maps an annotation's id and its item's to the group."""
        mine = select(HeldAnnotation.annotation, HeldAnnotation.item)
        with Session(self._engine) as session:
            rows = session.exec(
                mine.where(HeldAnnotation.connection == self._connection).execution_options(yield_per=1_000)
            )
            return Counter(group_of(annotation, ItemId(item)) for annotation, item in rows)

    def shadowed_by_deletion(self) -> Sequence[tuple[str, ItemId]]:
        """Return the annotations (with items) whose annotator's newest event is a deletion, which supersedes them."""
        newest = (
            select(HeldAnnotation.item, HeldAnnotation.annotator)
            .where(HeldAnnotation.connection == self._connection)
            .join(
                EndedAnnotation,
                (col(EndedAnnotation.connection) == col(HeldAnnotation.connection))
                & (col(EndedAnnotation.item) == col(HeldAnnotation.item))
                & (col(EndedAnnotation.annotator) == col(HeldAnnotation.annotator)),
            )
            .group_by(HeldAnnotation.item, HeldAnnotation.annotator)
            .having(func.max(HeldAnnotation.occurred_at) <= func.max(EndedAnnotation.at))
            .subquery()
        )
        theirs = (
            select(HeldAnnotation.annotation, HeldAnnotation.item)
            .where(HeldAnnotation.connection == self._connection)
            .join(
                newest,
                (newest.c.item == col(HeldAnnotation.item)) & (newest.c.annotator == col(HeldAnnotation.annotator)),
            )
        )
        with Session(self._engine) as session:
            return [(annotation, ItemId(item)) for annotation, item in session.exec(theirs)]

    def ended(self, places: Iterable[ItemAnnotator]) -> Mapping[ItemAnnotator, Ended]:
        """Return the newest deletion of each of these items and annotators; those without one are left out."""
        wanted = set(places)
        items = sorted({item for item, _ in wanted})
        found: dict[ItemAnnotator, Ended] = {}
        with Session(self._engine) as session:
            for start in range(0, len(items), _AT_ONCE):
                part = items[start : start + _AT_ONCE]
                mine = select(EndedAnnotation).where(
                    EndedAnnotation.connection == self._connection, col(EndedAnnotation.item).in_(part)
                )
                found |= {
                    (ItemId(one.item), AnnotatorId(one.annotator)): Ended(one.at, one.event)
                    for one in session.exec(mine)
                }
        return {place: one for place, one in found.items() if place in wanted}

    def fresh(self, annotations: Sequence[Annotation]) -> list[Annotation]:
        """Return the annotations whose state is not published yet."""
        said: dict[str, tuple[str, datetime]] = {}
        names = [_name(one) for one in annotations]
        with Session(self._engine) as session:
            for start in range(0, len(names), _AT_ONCE):
                part = names[start : start + _AT_ONCE]
                found = session.exec(
                    select(HeldAnnotation).where(
                        HeldAnnotation.connection == self._connection, col(HeldAnnotation.annotation).in_(part)
                    )
                )
                said |= {one.annotation: (one.event, one.occurred_at) for one in found}
        return [one for one, name in zip(annotations, names, strict=True) if _is_news(one, said.get(name))]

    def learn(self, annotations: Sequence[Annotation], *, intention: int | None = None) -> None:
        """Record that these were published, and delete their intention."""
        with Session(self._engine) as session:
            for one in annotations:
                self._learn(session, one)
            if intention is not None:
                session.execute(delete(Intention).where(col(Intention.number) == intention))
            session.commit()

    def _learn(self, session: Session, one: Annotation) -> None:
        name, occurred_at = _name(one), one.occurred_at.astimezone(UTC)
        before = session.get(HeldAnnotation, (self._connection, name))
        if before is not None and before.occurred_at > occurred_at:
            return
        if one.action is Action.DELETED:
            if before is not None:
                session.delete(before)
                session.flush()
            mine = (col(HeldThing.connection) == self._connection) & (col(HeldThing.annotation) == name)
            session.execute(delete(HeldThing).where(mine))
            self._end(session, one, occurred_at)
            return
        session.merge(
            HeldAnnotation(
                connection=self._connection,
                annotation=name,
                item=one.item.id,
                annotator=one.annotator.id,
                project=one.project,
                event=one.id,
                occurred_at=occurred_at,
            )
        )

    def _end(self, session: Session, one: Annotation, at: datetime) -> None:
        item, annotator = place_of(one)
        before = session.get(EndedAnnotation, (self._connection, item, annotator))
        if before is None or before.at < at:
            session.merge(
                EndedAnnotation(connection=self._connection, item=item, annotator=annotator, at=at, event=one.id)
            )

    def intend(self, annotations: Sequence[Annotation], copies: Mapping[str, bytes]) -> int | None:
        """Store the annotations to be published and the copies they are based on; return the intention's number."""
        with Session(self._engine) as session:
            for thing, content in copies.items():
                session.merge(KeptCopy(connection=self._connection, thing=thing, content=zlib.compress(content)))
            made = None
            if annotations:
                content = zlib.compress(_ANNOTATIONS.dump_json(list(annotations)))
                made = Intention(connection=self._connection, content=content)
                session.add(made)
            session.commit()
            return None if made is None else made.number

    def intentions(self) -> Sequence[tuple[int, list[Annotation]]]:
        """Return the intentions that may not have been published, the oldest first."""
        mine = select(Intention).where(Intention.connection == self._connection).order_by(col(Intention.number))
        with Session(self._engine) as session:
            return [
                (one.number, _ANNOTATIONS.validate_json(zlib.decompress(one.content)))
                for one in session.exec(mine)
                if one.number is not None
            ]

    def copy(self, thing: str) -> bytes | None:
        """Return the stored copy of a thing, or None."""
        with Session(self._engine) as session:
            found = session.get(KeptCopy, (self._connection, thing))
            return None if found is None else zlib.decompress(found.content)

    def drop_copies(self, things: Iterable[str]) -> None:
        """Delete the copies of deleted things."""
        with Session(self._engine) as session:
            for thing in things:
                session.execute(
                    delete(KeptCopy).where(col(KeptCopy.connection) == self._connection, col(KeptCopy.thing) == thing)
                )
            session.commit()


def _name(annotation: Annotation) -> str:
    """Return the platform's id of an annotation, or our own id if it has none."""
    source = annotation.source
    return annotation.id if source is None or source.annotation is None else source.annotation


def _is_news(annotation: Annotation, said: tuple[str, datetime] | None) -> bool:
    if annotation.action is Action.DELETED:
        return said is not None and said[1] <= annotation.occurred_at
    return said is None or (said[0] != annotation.id and said[1] <= annotation.occurred_at)
