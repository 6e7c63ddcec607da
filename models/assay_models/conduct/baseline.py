"""One annotator's baseline: the statistics of past annotations that the detectors need."""

from dataclasses import dataclass, field
from typing import Any, Final

_FIRST_RATIO: Final = 0.95
_PRIOR_WEIGHT: Final = 35.0
"""Prior of a newcomer's skill: its value, and its weight, which equals that of about ten annotations."""
_SESSION_WEIGHT: Final = 35.0
_LEAST_VARIANCE: Final = 0.03
_LEAST: Final = 0.02
_MOST: Final = 0.985
_BLOCK: Final = 50
_LONG_AGO: Final = 12_000.0
"""Beyond this weight (some 4,000 annotations) older annotations decay."""
_REMEMBERED_LABELS: Final = 4
_MOST_LABELS: Final = 24
_ELSE = "…"


@dataclass(slots=True)
class Skill:
    """Agreement above chance relative to the pool: 1 equals the pool's, 0 is chance.

    On an item where the pool agrees with probability A, and chance with c, an annotator with skill r agrees with
    probability c + r (A - c): agreement above chance is the product of the annotator's and the others' knowledge.
    """

    gained: float = _FIRST_RATIO * _PRIOR_WEIGHT
    weight: float = _PRIOR_WEIGHT

    @property
    def ratio(self) -> float:
        """The estimated skill."""
        return self.gained / self.weight

    def learn(self, pool: float, chance: float, *, agrees: bool) -> None:
        """Update with one annotation."""
        above = pool - chance
        weight = above / max(pool * (1 - pool), _LEAST_VARIANCE)
        self.gained += weight * (agrees - chance)
        self.weight += weight * above
        if self.weight > _LONG_AGO:
            self.gained, self.weight = self.gained * _LONG_AGO / self.weight, _LONG_AGO


def chance_of_agreeing(ratio: float, pool: float, chance: float) -> float:
    """Return the probability (0-1) of agreement for this skill where the pool agrees with probability `pool`."""
    probability = chance + ratio * (pool - chance)
    if probability < _LEAST:
        return _LEAST
    return _MOST if probability > _MOST else probability  # noqa: FURB136  # called often, and faster than min


@dataclass(slots=True)
class Baseline:
    """An annotator's usual conduct.

    `before` is the skill 50 to 100 annotations ago, which keeps a change from hiding itself, `early` that of the first
    hour of the session. `label_counts` counts labels; `errors` counts how often each label was given against the
    consensus, and `chances` is the expected number if every error were this label. `newest` are the last labels,
    newest first. `lead` and `gap` are the last ln(seconds) taken and between annotations; `session` is the start of
    the session (s).
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
        """Update the skill with a comparison against the truth."""
        if self.compared % _BLOCK == 0:
            self.before, self.between = self.between, Skill(self.skill.gained, self.skill.weight)
        self.compared += 1
        self.skill.learn(pool, chance, agrees=agrees)

    def begin_session(self, at: float) -> None:
        """Start a session at this time (s); the prior of the first hour's skill is the annotator's skill."""
        self.session, self.gap = at, None
        self.early = Skill(self.skill.ratio * _SESSION_WEIGHT, _SESSION_WEIGHT)

    def count_label(self, label: str) -> None:
        """Count this label as given."""
        self.labels += 1
        counted = label if label in self.label_counts or len(self.label_counts) < _MOST_LABELS else _ELSE
        self.label_counts[counted] = self.label_counts.get(counted, 0) + 1
        self.newest = [label, *self.newest[: _REMEMBERED_LABELS - 1]]

    def err(self, label: str, truth: str, error: float) -> None:
        """Update the error distribution; `error` is the probability of an error on this annotation."""
        self.wrong += error
        if truth in self.label_counts:
            self.chances[truth] = self.chances.get(truth, 0.0) + error
        if label != truth and label in self.label_counts:
            self.errors[label] = self.errors.get(label, 0) + 1

    def label_share(self, label: str, chance: float) -> float:
        """Return the probability (0-1) of this label from the annotator's label distribution alone."""
        half = 0.5
        return (self.label_counts.get(label, 0) + half) / (self.labels + half / chance)

    def share_of_errors(self, label: str, chance: float) -> float:
        """Return this label's share (0-1) of the errors on items where it is not the truth."""
        others = 1 / chance - 1
        exposed = max(self.wrong - self.chances.get(label, 0.0), 0.0)
        return (self.errors.get(label, 0) + 1) / (exposed + others)

    def dump(self) -> list[Any]:
        """Return the state as plain JSON data."""
        skills = [[one.gained, one.weight] for one in (self.skill, self.before, self.between, self.early)]
        return [
            *skills, self.compared, self.labels, self.label_counts, self.errors, self.chances, self.wrong, self.newest,
            self.lead, self.gap, self.session,
        ]  # fmt: skip

    @classmethod
    def load(cls, stored: list[Any]) -> "Baseline":
        """Return the baseline that `dump` described."""
        skill, before, between, early, *rest = stored
        return cls(Skill(*skill), Skill(*before), Skill(*between), Skill(*early), *rest)
