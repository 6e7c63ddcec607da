"""Suppression of notifications: silences set by people, and inhibition by other alerts."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from assay_schemas.annotation import ProjectId

PATTERN = "~"
"""Begins a matcher that is a pattern."""


class Silence(NamedTuple):
    """A silence until a time (ms). All matchers must match; an empty `project` means all projects."""

    id: str
    project: ProjectId
    matchers: Mapping[str, str]
    until: int


class Named(NamedTuple):
    """An alert as silences and other alerts see it. `labels` include `rule` and `severity`."""

    project: ProjectId
    rule: str
    labels: Mapping[str, str]


def named(project: ProjectId, rule: str, severity: str, labels: Mapping[str, str]) -> Named:
    """Return an alert with its rule and severity added to its labels."""
    return Named(project, rule, {**labels, "rule": rule, "severity": severity})


def matches(silence: Silence, alert: Named, *, now: int) -> bool:
    """Return whether a silence covers an alert at `now` (ms).

    A matcher is the label as it is written. One that begins with `~` is a pattern in which `*` stands for any text and
    `?` for one character. A missing label counts as empty.
    """
    return (
        now < silence.until
        and silence.project in {"", alert.project}
        and all(_fits(alert.labels.get(name, ""), wanted) for name, wanted in silence.matchers.items())
    )


def _fits(value: str, wanted: str) -> bool:
    if not wanted.startswith(PATTERN):
        return value == wanted
    pattern = wanted.removeprefix(PATTERN).replace("[", "[[]")  # for fnmatch, a bracket begins a set
    return fnmatchcase(value, pattern)


def silenced_by(silences: Iterable[Silence], alert: Named, *, now: int) -> list[str]:
    """Return the ids of the silences that cover an alert, sorted."""
    return sorted(silence.id for silence in silences if matches(silence, alert, now=now))


def inhibited_by(alert: Named, rules: Iterable[str], firing: Iterable[Named]) -> list[str]:
    """Return those of `rules` with a firing alert on the same subject.

    Two alerts have the same subject if no label that both have differs: an alert about everything inhibits those about
    its parts.
    """
    wanted = set(rules)
    return sorted({other.rule for other in firing if other.rule in wanted and _same_subject(other, alert)})


def _same_subject(one: Named, other: Named) -> bool:
    if one.project != other.project:
        return False
    shared = (one.labels.keys() & other.labels.keys()) - {"rule", "severity"}
    return all(one.labels[name] == other.labels[name] for name in shared)
