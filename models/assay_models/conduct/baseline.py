"""One annotator's habits: what the detectors need to know of the past, and only that."""

from dataclasses import dataclass, field
from typing import Any, Final

_FIRST_RATIO: Final = 0.95
_PRIOR_WEIGHT: Final = 35.0
"""What is thought of a newcomer's skill, and how much that weighs: as much as about ten annotations."""
_SESSION_WEIGHT: Final = 35.0
_LEAST_VARIANCE: Final = 0.03
_LEAST: Final = 0.02
_MOST: Final = 0.985
_BLOCK: Final = 50
_LONG_AGO: Final = 12_000.0
"""With more weight than this (some 4,000 annotations) the older ones begin to fade."""
_REMEMBERED_LABELS: Final = 4
_MOST_LABELS: Final = 24
_ELSE = "…"


@dataclass(slots=True)
class Skill:
    """How much better than chance somebody agrees, in parts of the pool: 1 is as well as all, 0 like chance.

    On an item on which the pool agrees with probability A, and chance would with c, somebody of skill r agrees with
    probability c + r (A - c): agreement above chance is a product of what the annotator and what the others know.
    """

    gained: float = _FIRST_RATIO * _PRIOR_WEIGHT
    weight: float = _PRIOR_WEIGHT

    @property
    def ratio(self) -> float:
        """The skill, by all that was learned."""
        return self.gained / self.weight

    def learn(self, pool: float, chance: float, *, agrees: bool) -> None:
        """Learn from one annotation."""
        above = pool - chance
        weight = above / max(pool * (1 - pool), _LEAST_VARIANCE)
        self.gained += weight * (agrees - chance)
        self.weight += weight * above
        if self.weight > _LONG_AGO:
            self.gained, self.weight = self.gained * _LONG_AGO / self.weight, _LONG_AGO


def chance_of_agreeing(ratio: float, pool: float, chance: float) -> float:
    """Return how probably somebody of this skill agrees where the pool agrees with probability `pool`."""
    found = chance + ratio * (pool - chance)
    if found < _LEAST:
        return _LEAST
    return _MOST if found > _MOST else found  # noqa: FURB136  # called often, and this takes half as long


@dataclass(slots=True)
class Baseline:
    """What is known of an annotator's ways.

    `before` is the skill as it was 50 to 100 annotations ago, so that a change does not hide itself, `early` that in
    the first hour of the session. `said` counts
    labels; `errors` how often each was said where it was not the consensus, `chances` how often that was to be expected
    if every error were this label. `newest` are the last labels, newest first. `lead` and `gap` are the
    last logarithms of seconds, `session` when the session began (s).
    """

    skill: Skill = field(default_factory=Skill)
    before: Skill = field(default_factory=Skill)
    between: Skill = field(default_factory=Skill)
    early: Skill = field(default_factory=Skill)
    compared: int = 0
    labels: int = 0
    label_counts: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    chances: dict[str, float] = field(default_factory=dict)
    wrong: float = 0.0
    newest: list[str] = field(default_factory=list)
    lead: float | None = None
    gap: float | None = None
    session: float = 0.0

    def compare(self, pool: float, chance: float, *, agrees: bool) -> None:
        """Learn from a comparison with the consensus."""
        if self.compared % _BLOCK == 0:
            self.before, self.between = self.between, Skill(self.skill.gained, self.skill.weight)
        self.compared += 1
        self.skill.learn(pool, chance, agrees=agrees)

    def begin_session(self, at: float) -> None:
        """Start a session at this time (s): what is thought of its first hour is what is thought of the annotator."""
        self.session, self.gap = at, None
        self.early = Skill(self.skill.ratio * _SESSION_WEIGHT, _SESSION_WEIGHT)

    def count_label(self, label: str) -> None:
        """Learn that this label was given."""
        self.labels += 1
        kept = label if label in self.label_counts or len(self.label_counts) < _MOST_LABELS else _ELSE
        self.label_counts[kept] = self.label_counts.get(kept, 0) + 1
        self.newest = [label, *self.newest[: _REMEMBERED_LABELS - 1]]

    def err(self, label: str, truth: str, error: float) -> None:
        """Learn from a comparison what is said in error; `error` is how probable one was."""
        self.wrong += error
        if truth in self.label_counts:
            self.chances[truth] = self.chances.get(truth, 0.0) + error
        if label != truth and label in self.label_counts:
            self.errors[label] = self.errors.get(label, 0) + 1

    def label_share(self, label: str, chance: float) -> float:
        """Return how probably this label comes next, by the annotator's own mix of labels alone."""
        half = 0.5
        return (self.label_counts.get(label, 0) + half) / (self.labels + half / chance)

    def share_of_errors(self, label: str, chance: float) -> float:
        """Return which part of the errors is this label, where it is not the consensus."""
        others = 1 / chance - 1
        exposed = max(self.wrong - self.chances.get(label, 0.0), 0.0)
        return (self.errors.get(label, 0) + 1) / (exposed + others)

    def dump(self) -> list[Any]:
        """Return it as plain JSON data."""
        skills = [[one.gained, one.weight] for one in (self.skill, self.before, self.between, self.early)]
        return [
            *skills, self.compared, self.labels, self.label_counts, self.errors, self.chances, self.wrong, self.newest,
            self.lead, self.gap, self.session,
        ]  # fmt: skip

    @classmethod
    def load(cls, stored: list[Any]) -> "Baseline":
        """Take back what `dump` gave."""
        skill, before, between, early, *rest = stored
        return cls(Skill(*skill), Skill(*before), Skill(*between), Skill(*early), *rest)
