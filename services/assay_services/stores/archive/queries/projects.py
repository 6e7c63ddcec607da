"""Query one project: its confusion matrix, its rules' findings, and its contract's history."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from assay_schemas.alert_rule import EACH
from assay_schemas.annotation import AnnotatorId, ProjectId
from assay_schemas.json_data import Json
from assay_services.stores.archive.queries.db import asking, moment, parsed, rows
from assay_services.stores.archive.queries.overview import project_names

_NAMES_ANNOTATORS = "annotator.id"


@dataclass(frozen=True, slots=True)
class Confusion:
    """The confusion matrix in expected counts: `counts[right][given]`."""

    labels: Sequence[str]
    counts: Mapping[str, Mapping[str, float]]
    annotators: int


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """The number of a rule's findings by action, and the time of the last one."""

    rule: str
    action: str
    count: int
    annotators: int
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class ContractVersion:
    """A contract that was put in force, and its changes from the one before. `version` None: withdrawn."""

    version: int | None
    came_at: datetime
    contract: Mapping[str, Any] | None
    changes: Sequence[str]


def read_projects(engine: Engine) -> Sequence[ProjectId]:
    """Return the names of all projects."""
    with asking(engine) as connection:
        return project_names(connection)


def read_confusion(engine: Engine, project: ProjectId) -> Confusion:
    """Return the sum of all annotators' confusion matrices, from their reliabilities."""
    with asking(engine) as connection:
        found = rows(connection, "SELECT confusion FROM reliability WHERE project = :project", project=project)
    counts: dict[str, dict[str, float]] = {}
    for one in found:
        for right, given in parsed(one["confusion"]).items():
            into = counts.setdefault(right, {})
            for label, count in given.items():
                into[label] = into.get(label, 0.0) + count
    labels = sorted({*counts, *(label for given in counts.values() for label in given)})
    return Confusion(labels, counts, len(found))


def read_findings(engine: Engine, project: ProjectId) -> Sequence[RuleFindings]:
    """Return the number of findings per rule, the most frequent first."""
    with asking(engine) as connection:
        found = rows(
            connection,
            "SELECT c.rule, c.action, sum(c.n) AS n, count(*) AS annotators, ("
            "   SELECT max(o.occurred_at) FROM objections AS o"
            "   WHERE o.project = :project AND o.rule = c.rule AND o.action = c.action"
            " ) AS newest"
            " FROM rule_counts AS c WHERE c.project = :project GROUP BY c.rule, c.action ORDER BY 3 DESC, 1",
            project=project,
        )
    return [
        RuleFindings(one["rule"], one["action"], int(one["n"]), int(one["annotators"]), moment(one["newest"]))
        for one in found
    ]


def read_contracted(engine: Engine) -> frozenset[ProjectId]:
    """Return the projects with a contract in force, according to the archive."""
    query = (
        "SELECT DISTINCT c.project FROM contracts AS c WHERE c.version IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM contracts AS n WHERE n.project = c.project"
        "  AND (n.came_at > c.came_at OR n.came_at = c.came_at AND n.kafka_offset > c.kafka_offset))"
    )
    with asking(engine) as connection:
        return frozenset(ProjectId(str(one["project"])) for one in rows(connection, query))


def read_contracts(
    engine: Engine, project: ProjectId, shown: Callable[[AnnotatorId], str] = str
) -> Sequence[ContractVersion]:
    """Return the contracts of a project, the newest first, each with its changes.

    `shown` returns the name or pseudonym under which the reader sees an annotator whom a rule names.
    """
    with asking(engine) as connection:
        found = rows(
            connection,
            "SELECT version, contract, came_at FROM contracts WHERE project = :project ORDER BY came_at, kafka_offset",
            project=project,
        )
    versions: list[ContractVersion] = []
    before: Mapping[str, Any] | None = None
    for one in found:
        contract = with_shown_names(parsed(one["contract"]), shown)
        changes = list(contract_changes(before, contract))
        if contract != before or not versions:
            versions.append(ContractVersion(one["version"], moment(one["came_at"]), contract, changes))
        before = contract
    return versions[::-1]


def with_shown_names(
    contract: Mapping[str, Any] | None, shown: Callable[[AnnotatorId], str]
) -> Mapping[str, Any] | None:
    """Return a contract in which annotators stand under the names that `shown` returns for them."""
    if contract is None:
        return None
    return {
        **contract,
        "rules": [_shown_rule(rule, shown) for rule in contract.get("rules", [])],
        "alerts": [_shown_alert(rule, shown) for rule in contract.get("alerts", [])],
    }


def _shown_rule(rule: Mapping[str, Any], shown: Callable[[AnnotatorId], str]) -> Mapping[str, Any]:
    lists = {name: [shown(AnnotatorId(who)) for who in rule[name]] for name in ("allow", "deny") if rule.get(name)}
    if shown is not str and _NAMES_ANNOTATORS in str(rule.get("when", "")):
        lists["when"] = "(not shown: it names annotators)"  # type: ignore[assignment]  # a text among lists
    return {**rule, **lists}


def _shown_alert(rule: Mapping[str, Any], shown: Callable[[AnnotatorId], str]) -> Mapping[str, Any]:
    where = rule.get("where") or {}
    who = where.get("annotator")
    if who is None or who == EACH:
        return rule
    return {**rule, "where": {**where, "annotator": shown(AnnotatorId(who))}}


def contract_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the differences between two versions of a contract in plain words; rules are matched by id."""
    if after is None:
        yield "withdrawn"
        return
    if before is None:
        yield "first version" if after else "empty"
        return
    old, new = dict(_leaves(before)), dict(_leaves(after))
    for path in sorted({*old, *new}):
        if path == "version" or old.get(path) == new.get(path):
            continue
        if path not in old:
            yield f"{path}: {_short(new[path])} added"
        elif path not in new:
            yield f"{path}: {_short(old[path])} removed"
        else:
            yield f"{path}: {_short(old[path])} became {_short(new[path])}"


def _leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) and "id" in one for one in value):
        for one in value:
            yield from _leaves({key: inner for key, inner in one.items() if key != "id"}, f"{path} {one['id']}")
    else:
        yield path, value


def _short(value: Json) -> str:
    said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return said if len(said) < 80 else f"{said[:77]}..."  # noqa: PLR2004  # a line
