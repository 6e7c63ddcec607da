"""What was learned of annotators from closed items: its stored form, and its decay by half-lives."""

from collections.abc import Iterable

import orjson

from assay_models.truth.truth_model import POOL, TruthModel
from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_services.engine.core.core_api import Entry

CLOSED_COUNTS_PREFIX = b"k:"
_NEVER = 2**62
_HOUR_MS = 3_600_000
_DAY_HOURS = 24


def closed_counts_key(project: ProjectId, annotator: AnnotatorId) -> bytes:
    """Return the state key of an annotator's closed counts."""
    return CLOSED_COUNTS_PREFIX + orjson.dumps([project, annotator])


class ClosedItemCounts:
    """The counts of a project's closed items. `hour` is the whole hour since 1970 up to which they have decayed."""

    def __init__(self, project: ProjectId, truth: TruthModel) -> None:
        """Start without closed counts."""
        self._project = project
        self._truth = truth
        self.faded_to_hours = 0

    def entry(self, annotator: AnnotatorId) -> tuple[bytes, Entry]:
        """Return the state key and entry of the closed counts of an annotator, or of the pool."""
        value = orjson.dumps([self._project, annotator, self._truth.dump_closed(annotator), self.faded_to_hours])
        return closed_counts_key(self._project, annotator), Entry(_NEVER, value)

    def load(self, values: Iterable[bytes], half_life_days: float | None) -> None:
        """Pass the stored counts to the truth model, each decayed to the newest stored hour; the pool comes last."""
        found = [orjson.loads(value) for value in values]
        for _, annotator, counts, hour in sorted(found, key=lambda one: (one[1] == POOL, one[3], one[1])):
            self.fade(hour * _HOUR_MS, half_life_days)
            self._truth.load_closed(annotator, counts)

    def fade(self, now: int, half_life_days: float | None) -> bool:
        """Apply the decay that is due at `now` (ms), in whole hours; return whether anything changed."""
        passed = now // _HOUR_MS - self.faded_to_hours
        if passed <= 0:
            return False
        fades = half_life_days is not None and self.faded_to_hours > 0
        self.faded_to_hours += passed
        if fades and half_life_days is not None:
            self._truth.fade(1 - 2 ** (-passed / (_DAY_HOURS * half_life_days)))
        return fades
