"""A synthetic ads-safety project: generated texts with known true labels, and annotators with known behaviour."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson

from assay_schemas.annotation import AnnotatorId, ProjectId

PROJECT = ProjectId("ads-safety")
LABELS = ("safe", "adult", "violence", "scam")

_SHARES = (0.55, 0.15, 0.1, 0.2)
_WORDS = {
    "safe": ("garden", "shoes", "coffee", "winter", "family", "travel", "recipe", "school", "bicycle", "museum"),
    "adult": ("nightlife", "singles", "intimate", "lingerie", "dating", "mature", "private", "webcam", "explicit"),
    "violence": ("weapon", "fight", "blood", "combat", "knife", "brutal", "attack", "rifle", "battle", "assault"),
    "scam": ("guaranteed", "winner", "crypto", "wire", "instantly", "miracle", "prize", "urgent", "doubled"),
}
_FILLER = ("the", "a", "new", "our", "for", "your", "with", "today", "this", "best", "only", "from", "more", "get")
_TELLING_SHARE = 0.3
_GOLD_SHARE = 0.05
_TORN_SHARE = 0.004
_MISSPELT_SHARE = 0.008
_REPEATED_SHARE = 0.01
_MARKETS = ("BR", "DE", "IN", "US")
_OPEN_ITEMS = 40
_REDUNDANCY = 3


@dataclass(frozen=True, slots=True)
class Profile:
    """The behaviour of one kind of annotator. `accuracy` is a function of the elapsed share of the run (0-1)."""

    name: str
    accuracy: Callable[[float], float]
    seconds: float
    mistake: Callable[[Random], str]


def _anything(rng: Random) -> str:
    return rng.choice(LABELS)


PROFILES = (
    Profile("careful", lambda _: 0.96, 9.0, _anything),
    Profile("hasty", lambda _: 0.8, 1.6, _anything),
    Profile("spammer", lambda _: 0.0, 2.5, _anything),
    Profile("biased", lambda _: 0.6, 7.0, lambda _: "safe"),
    Profile("drifting", lambda over: 0.95 - 0.6 * over, 6.0, _anything),
    Profile("bot", lambda _: 0.0, 0.4, lambda _: "safe"),
)
"""The annotators' profiles, by name."""

_ANNOTATORS = tuple(
    (AnnotatorId(f"{profile.name}-{number}"), profile)
    for profile, count in zip(PROFILES, (10, 4, 1, 2, 2, 1), strict=True)
    for number in range(1, count + 1)
)


@dataclass(slots=True)
class _SimulatedItem:
    body: dict[str, Any]
    truth: str
    seen: set[AnnotatorId]


class Simulator:
    """Generates annotation events. The same seed gives the same events, except for their times.

    `given` and `right` count each annotator's labels so far, and the correct ones among them.
    """

    def __init__(self, seed: int) -> None:
        """Start a run with this seed."""
        self._rng = Random(seed)  # noqa: S311  # a simulation, not a secret
        self._made = 0
        self._last = b""
        self.right: Counter[AnnotatorId] = Counter()
        self.given: Counter[AnnotatorId] = Counter()
        self._open = [self._new_item() for _ in range(_OPEN_ITEMS)]

    def event(self, now: datetime, *, over: float) -> bytes:
        """Return the next event as a platform would send it; a few are duplicates, misspelt or malformed.

        `over` is the elapsed share of the run (0-1), which the drifting annotators depend on.
        """
        rng = self._rng
        place = rng.randrange(len(self._open))
        item = self._open[place]
        who, profile = rng.choice([one for one in _ANNOTATORS if one[0] not in item.seen])
        item.seen.add(who)
        if len(item.seen) == _REDUNDANCY:
            self._open[place] = self._new_item()
        right = rng.random() < profile.accuracy(over)
        label = item.truth if right else profile.mistake(rng)
        self.given[who] += 1
        self.right[who] += label == item.truth
        seconds = round(profile.seconds * rng.lognormvariate(0, 0.35), 2)
        event = orjson.dumps(self._annotation(item, who, label, now - timedelta(seconds=rng.random()), seconds))
        return self._delivered(event)

    def history(self, count: int, now: datetime) -> Iterator[bytes]:
        """Yield past events, including mistakes, to train the consistency model on."""
        for _ in range(count):
            item = self._new_item()
            who, profile = self._rng.choice(_ANNOTATORS)
            right = self._rng.random() < profile.accuracy(0.0)
            label = item.truth if right else profile.mistake(self._rng)
            yield orjson.dumps(self._annotation(item, who, label, now, profile.seconds))

    def _annotation(
        self, item: _SimulatedItem, who: AnnotatorId, label: str, now: datetime, seconds: float
    ) -> dict[str, Any]:
        self._made += 1
        return {
            "id": f"demo-{self._made:08d}",
            "action": "created",
            "project": PROJECT,
            "item": item.body,
            "annotator": {"id": who, "kind": "human"},
            "label": label,
            "occurred_at": now.isoformat(),
            "lead_time_seconds": seconds,
            "source": {"platform": "simulator"},
        }

    def _delivered(self, event: bytes) -> bytes:
        """Return the event, occasionally duplicated or damaged as by an unreliable platform."""
        luck = self._rng.random()
        if luck < _TORN_SHARE:
            return event[: len(event) // 2]
        if luck < _TORN_SHARE + _MISSPELT_SHARE:
            return event.replace(b'"label":"s', b'"label":"S')
        if luck < _TORN_SHARE + _MISSPELT_SHARE + _REPEATED_SHARE and self._last:
            return self._last
        self._last = event
        return event

    def _new_item(self) -> _SimulatedItem:
        rng = self._rng
        self._made += 1
        truth = rng.choices(LABELS, _SHARES)[0]
        words = [
            rng.choice(_WORDS[truth] if rng.random() < _TELLING_SHARE else _FILLER) for _ in range(rng.randint(6, 24))
        ]
        body = {
            "id": f"ad-{self._made:08d}",
            "text": " ".join([rng.choice(_WORDS[truth]), *words]),
            "gold": truth if rng.random() < _GOLD_SHARE else None,
            "attributes": {"market": rng.choice(_MARKETS), "guideline": "7"},
        }
        return _SimulatedItem(body, truth, set())
