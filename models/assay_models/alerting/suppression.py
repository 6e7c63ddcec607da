"""Whom an alert need not be told to: silences that people asked for, and alerts that make it redundant."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple


class Silence(NamedTuple):
    """What people do not want to hear of until a time (ms). All matchers must match; `project` '' is every one."""

    id: str
    project: str
    matchers: Mapping[str, str]
    until: int


class Named(NamedTuple):
    """An alert, as silences and other alerts see it. `labels` include `rule` and `severity`."""

    project: str
    rule: str
    labels: Mapping[str, str]


def named(project: str, rule: str, severity: str, labels: Mapping[str, str]) -> Named:
    """Return an alert under its names."""
    return Named(project, rule, {**labels, "rule": rule, "severity": severity})


def matches(silence: Silence, alert: Named, *, now: int) -> bool:
    """Tell whether a silence covers an alert at `now` (ms). A matcher may have `*` and `?`; a missing label is ''."""
    return (
        now < silence.until
        and silence.project in {"", alert.project}
        and all(fnmatchcase(alert.labels.get(name, ""), wanted) for name, wanted in silence.matchers.items())
    )


def silenced_by(silences: Iterable[Silence], alert: Named, *, now: int) -> list[str]:
    """Return the ids of the silences that cover an alert."""
    return sorted(one.id for one in silences if matches(one, alert, now=now))


def inhibited_by(alert: Named, rules: Iterable[str], firing: Iterable[Named]) -> list[str]:
    """Return those of the rules of which an alert fires that speaks of the same.

    It does where no label that both have differs: an alert about everything makes those about its parts redundant.
    """
    wanted = set(rules)
    return sorted({one.rule for one in firing if one.rule in wanted and _agree(one, alert)})


def _agree(one: Named, other: Named) -> bool:
    if one.project != other.project:
        return False
    shared = (one.labels.keys() & other.labels.keys()) - {"rule", "severity"}
    return all(one.labels[name] == other.labels[name] for name in shared)
