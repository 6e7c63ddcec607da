"""All state of the alerts service, and which of it has changed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import orjson

from assay_models.alerting.suppression import Silence
from assay_schemas.annotation import ProjectId
from assay_services.alerts.core.series import RulePlan, Series, fingerprint, load_series
from assay_services.alerts.core.watermark import Watermark, load_clock
from assay_services.engine.core.core_api import Entry
from assay_services.engine.core.state import PartitionState

MOST_SERIES = 10_000
"""The largest number of series per rule; beyond it, those with the least data are dropped."""
_NEVER = 2**62
_SERIES = b"s:"
_CLOCK = b"c:"
_SILENCE = b"q:"


class AlertStore:
    """The series, watermarks and silences of one partition. It changes in place and collects what must be written."""

    def __init__(self, state: PartitionState) -> None:
        """Load everything from the stored state."""
        self._series: dict[str, Series] = {}
        self._by_project: dict[ProjectId, dict[str, Series]] = {}
        self._by_rule: dict[tuple[ProjectId, str], dict[str, Series]] = {}
        self._clocks: dict[ProjectId, Watermark] = {}
        self._silences: dict[str, Silence] = {}
        self._told: dict[str, Series] = {}
        self._changed: dict[bytes, Series | Watermark | Silence | None] = {}
        self._dropped: Counter[tuple[ProjectId, str]] = Counter()
        for key, value in sorted(state.values()):
            if key.startswith(_SERIES):
                self._keep(load_series(value))
            elif key.startswith(_CLOCK):
                clock = load_clock(value)
                self._clocks[clock.project] = clock
            else:
                silence = Silence(*orjson.loads(value))
                self._silences[silence.id] = silence

    def clock(self, project: ProjectId) -> Watermark:
        """Return a project's watermark, which the caller may change."""
        clock = self._clocks.setdefault(project, Watermark(project))
        self._changed[_CLOCK + project.encode()] = clock
        return clock

    def clocks(self) -> Sequence[Watermark]:
        """Return the watermarks of all projects."""
        return list(self._clocks.values())

    def series(self, project: ProjectId, plan: RulePlan, labels: Mapping[str, str]) -> Series:
        """Return the series of an alert, created if missing; the caller may change it."""
        alert = fingerprint(project, plan.rule.id, labels)
        found = self._series.get(alert)
        if found is None:
            self._make_room(project, plan)
            found = Series(project, plan.rule.id, dict(labels), plan.rule.severity.value, plan.mark)
            self._keep(found)
        found.adopt(plan)
        self._changed[_SERIES + alert.encode()] = found
        return found

    def find(self, alert: str) -> Series | None:
        """Return the series of an alert by its id, or None."""
        return self._series.get(alert)

    def of_project(self, project: ProjectId) -> Sequence[Series]:
        """Return all series of a project, in an order that does not change with a restart."""
        return [one for _, one in sorted(self._by_project.get(project, {}).items())]

    def firing(self) -> Sequence[Series]:
        """Return the series whose alerts are firing, acknowledged or not."""
        return [one for _, one in sorted(self._told.items())]

    def touch(self, series: Series) -> None:
        """Record that a series has changed."""
        alert = series.id
        self._changed[_SERIES + alert.encode()] = series
        if series.life.is_notified:
            self._told[alert] = series
        else:
            self._told.pop(alert, None)

    def drop(self, series: Series) -> None:
        """Delete a series."""
        alert = series.id
        for where in (self._series, self._by_project[series.project], self._by_rule[series.project, series.rule]):
            where.pop(alert, None)
        self._told.pop(alert, None)
        self._changed[_SERIES + alert.encode()] = None

    def silences(self) -> Iterable[Silence]:
        """Return the silences."""
        return self._silences.values()

    def silence(self, silence: Silence) -> None:
        """Start or replace a silence."""
        self._silences[silence.id] = silence
        self._changed[_SILENCE + silence.id.encode()] = silence

    def unsilence(self, silence: str) -> None:
        """End a silence; do nothing if it does not exist."""
        if self._silences.pop(silence, None) is not None:
            self._changed[_SILENCE + silence.encode()] = None

    def end_silences(self, now: int) -> None:
        """Delete the silences that have expired at `now` (ms since 1970)."""
        for one in [one for one in self._silences.values() if one.until <= now]:
            self.unsilence(one.id)

    def take_dropped(self) -> Mapping[tuple[ProjectId, str], int]:
        """Return how many series of each project and rule were dropped since the last call."""
        dropped, self._dropped = self._dropped, Counter()
        return dropped

    def changes(self) -> dict[bytes, Entry | None]:
        """Return the state changes since the last call."""
        changed, self._changed = self._changed, {}
        return {key: None if what is None else Entry(_NEVER, _stored(what)) for key, what in changed.items()}

    def _keep(self, series: Series) -> None:
        alert = series.id
        self._series[alert] = series
        self._by_project.setdefault(series.project, {})[alert] = series
        self._by_rule.setdefault((series.project, series.rule), {})[alert] = series
        if series.life.is_notified:
            self._told[alert] = series

    def _make_room(self, project: ProjectId, plan: RulePlan) -> None:
        """Drop a quarter of a rule's series if it has too many: those that have counted least."""
        mine = self._by_rule.get((project, plan.rule.id), {})
        if len(mine) < MOST_SERIES:
            return
        quiet = [one for one in mine.values() if one.life.state is None and not one.holding]
        least = sorted(quiet, key=lambda one: sum(total for _, total in one.panes.by_minute.values()))
        for one in least[: MOST_SERIES // 4]:
            self.drop(one)
            self._dropped[project, plan.rule.id] += 1


def _stored(what: Series | Watermark | Silence) -> bytes:
    return orjson.dumps(list(what)) if isinstance(what, Silence) else what.dump()
