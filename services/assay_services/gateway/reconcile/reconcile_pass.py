"""One reconciliation pass over a connection's platform: fetch named things, poll changes, sweep for deletions."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from assay_schemas.annotation import Action, Annotation, ItemId, ProjectId
from assay_services.engine import metrics
from assay_services.gateway.core.annotation_bodies import rows_of
from assay_services.gateway.core.decode_result import DecodeContext, FetchTarget, shortened
from assay_services.gateway.core.platforms.annotation_facts import deletions
from assay_services.gateway.core.platforms.coercion import moment
from assay_services.gateway.core.supersession import place_of, placed, with_endings, with_survivors
from assay_services.gateway.published_index import PublishedIndex
from assay_services.gateway.publisher import Publisher
from assay_services.gateway.reconcile.sources.source import Listed, PlatformSource, Seen
from assay_services.gateway.unread_counts import count_unread
from assay_services.stores.control.connection_store import ConnectionStore
from assay_services.stores.control.tables.connections_and_keys import Connection

_OVERLAP = timedelta(seconds=5)
_AT_ONCE = 50
T = TypeVar("T")


class ReconciliationPass:
    """One pass. Deletions are dated just after the state they end. Intentions are stored before publishing."""

    def __init__(
        self,
        source: PlatformSource,
        connection: Connection,
        held: PublishedIndex,
        publisher: Publisher,
        connections: ConnectionStore,
    ) -> None:
        """Read `source`, compare with `held`, publish with `publisher`, and store progress in `connections`."""
        self._source = source
        self._connection = connection
        self._held = held
        self._publisher = publisher
        self._connections = connections
        self._asked = DecodeContext(project=ProjectId(connection.project), now=datetime.now(UTC), known=held.known)
        self._problems: list[str] = []
        # Several things share one item: an annotation missing in one may be in another. The sweep reads them all.
        self._shared = not source.by_thing and connection.settings.get("item_field") is not None

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what could not be read, in words."""
        return shortened(self._problems)

    async def finish(self) -> None:
        """Publish again the intended annotations of a process that ended before it published them."""
        for number, changed in await asyncio.to_thread(self._held.intentions):
            await self._publish(changed, number)

    async def fetch(self, wanted: Collection[FetchTarget]) -> bool:
        """Fetch the things named by webhooks; return whether all of them could be requested and exist."""
        found = 0
        for start in range(0, len(wanted), _AT_ONCE):
            several = [await self._source.one(each) for each in list(wanted)[start : start + _AT_ONCE]]
            seen = [one for one in several if one is not None]
            found += len(seen)
            await self._publish_seen(self._alone(seen))
        return found == len(wanted)

    async def poll(self) -> None:
        """Publish changes since the last poll in small groups, each stored with its watermark."""
        async for seen in _chunks(self._source.changed_since(_overlapped(self._connection.watermark))):
            await self._publish_seen(self._alone(seen))
            marks = [one.watermark for one in seen if one.watermark is not None]
            if marks:
                await asyncio.to_thread(self._connections.note, self._connection.name, watermark=marks[-1])

    async def sweep(self, missing: set[str]) -> set[str]:
        """Find deleted groups and groups whose number of annotations differs from ours; return the missing ones.

        A group counts as deleted only if two sweeps in a row miss it (`missing` is the previous result), because a new
        one may appear between the listing and the comparison. The same holds for a thing whose item has other things.
        """
        here: dict[str, list[Listed]] = {}
        async for several in _chunks(self._source.everything()):
            await self._publish_seen(self._alone([one.seen for one in several if one.seen is not None]))
            for one in several:
                if one.group is not None:
                    here.setdefault(one.group, []).append(replace(one, seen=None))
        ours = await asyncio.to_thread(self._held.counts, self._group_of)
        shadowed = {self._group_of(*one) for one in await asyncio.to_thread(self._held.shadowed_by_deletion)}
        odd = {group for group, things in here.items() if _differs(things, ours[group])}
        waiting = {_odd(group) for group in odd} - missing if self._shared else set[str]()
        again = [(here[group], _odd(group) not in waiting) for group in odd | (shadowed & here.keys())]
        for start in range(0, len(again), _AT_ONCE):
            await self._recheck(again[start : start + _AT_ONCE])
        gone = ours.keys() - here.keys()
        for group in gone & missing:
            await self._delete(group)
        return (gone - missing) | waiting

    async def _recheck(self, groups: Sequence[tuple[Sequence[Listed], bool]]) -> None:
        """Read all things of some groups, each group at once: several tasks may share one item.

        Each group comes with whether annotations missing in it count as deleted.
        """
        seen: list[Seen] = []
        for things, may_answer in groups:
            several = [await self._source.one(FetchTarget(self._source.kind, one.id)) for one in things]
            found = [one for one in several if one is not None]
            complete = may_answer and len(found) == len(things)
            seen += _together(found) if complete else [replace(one, here=None) for one in found]
        await self._publish_seen(seen)

    def _alone(self, seen: Sequence[Seen]) -> Sequence[Seen]:
        return [replace(one, here=None) for one in seen] if self._shared else seen

    async def _delete(self, group: str) -> None:
        changed = await asyncio.to_thread(self._all_deleted, group)
        await self._publish(changed, await asyncio.to_thread(self._held.intend, changed, {}))
        if self._source.by_thing:
            await asyncio.to_thread(self._held.drop_copies, [group])

    async def _publish_seen(self, seen: Sequence[Seen]) -> None:
        self._problems += [problem for one in seen for problem in one.problems]
        if seen:
            changed, number = await asyncio.to_thread(self._decided, seen)
            await self._publish(changed, number)
            parts = [part for one in seen for part in one.unread]
            await asyncio.to_thread(count_unread, self._connections, self._connection.name, parts, changed)

    def _decided(self, seen: Sequence[Seen]) -> tuple[list[Annotation], int | None]:
        """Return the new annotations among those seen, and the number of the intention to publish them."""
        said = [one for each in seen for one in each.annotations]
        live = [one for one in said if one.action is not Action.DELETED]
        gone = [one for each in seen for one in self._gone(each)]
        deleted = placed(
            self._held.fresh([*gone, *(one for one in said if one.action is Action.DELETED)]), self._held.known
        )
        ended = with_endings(self._held.ended(map(place_of, live)), deleted)
        changed = [*deleted, *placed(self._held.fresh(with_survivors(live, ended)), self._held.known)]
        copies = {one.id: one.copy for one in seen if one.copy is not None}
        for one in seen:
            self._held.place(one.things)
        return changed, self._held.intend(changed, copies)

    def _gone(self, seen: Seen) -> list[Annotation]:
        if seen.group is None or seen.here is None:
            return []
        lost = [one for one in self._in_group(seen.group) if one not in seen.here]
        return self._deleted(lost, seen.changed_at)

    def _all_deleted(self, group: str) -> list[Annotation]:
        return self._deleted(self._in_group(group))

    def _deleted(self, annotations: Sequence[str], seen_at: datetime | None = None) -> list[Annotation]:
        """Return the deletions of these annotations, except those newer than what was read of their thing."""
        known = {one: self._held.known(one) for one in annotations}
        old = [
            name
            for name, one in known.items()
            if one is not None and (seen_at is None or one.occurred_at is None or one.occurred_at <= seen_at)
        ]
        found, _ = deletions(
            self._connection.platform,
            old,
            self._asked,
            source_project=self._connection.platform_project,
            may_return=True,
        )
        return found

    def _in_group(self, group: str) -> Sequence[str]:
        return self._held.within(group) if self._source.by_thing else self._held.held(ItemId(group))

    def _group_of(self, annotation: str, item: ItemId) -> str:
        return annotation.partition("/")[0] if self._source.by_thing else item

    async def _publish(self, changed: Sequence[Annotation], number: int | None) -> None:
        if not changed:
            return
        await self._publisher.publish(rows_of(changed))
        await asyncio.to_thread(self._held.learn, changed, intention=number)
        began = self._connection.created_at
        recovered = sum(one.occurred_at > began or one.action is Action.DELETED for one in changed)
        metrics.RECOVERED.labels(self._connection.name).inc(recovered)
        newest = max(one.occurred_at for one in changed).astimezone(UTC)
        await asyncio.to_thread(self._connections.count, self._connection.name, at=newest, recovered=recovered)


def _differs(things: Sequence[Listed], ours: int) -> bool:
    """Return whether the platform's count of a group's annotations differs from ours."""
    counts = [one.count for one in things if one.count is not None]
    return len(counts) == len(things) and sum(counts) != ours


def _odd(group: str) -> str:
    """Return the key under which a partially missing group is remembered for the next sweep."""
    return f"odd {group}"


def _together(found: Sequence[Seen]) -> Sequence[Seen]:
    """Return the things of one group; only the last may decide on deletions."""
    if len(found) < 2:  # noqa: PLR2004  # nothing to merge
        return found
    times = [one.changed_at for one in found if one.changed_at is not None]
    here = frozenset[str]().union(*(one.here or () for one in found))
    return [
        *(replace(one, here=None) for one in found[:-1]),
        replace(found[-1], here=here, changed_at=min(times, default=None)),
    ]


def _overlapped(watermark: str | None) -> str | None:
    """Return a time some seconds before the watermark, to include changes that were committed late."""
    found = moment(watermark)
    return None if found is None else (found - _OVERLAP).isoformat()


async def _chunks(several: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    chunk: list[T] = []
    async for one in several:
        chunk.append(one)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
