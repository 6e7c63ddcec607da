"""Alerts about parked projects: one fires when a project is parked, and resolves when it is taken up again."""

from hashlib import blake2b

from assay_schemas.alert import AlertState
from assay_schemas.alert_rule import Severity
from assay_schemas.annotation import ProjectId
from assay_schemas.topics import ALERTS
from assay_services.engine.core.cloudevents import event, iso
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.ledger import ParkedProject

RULE = "assay-project-parked"
"""The rule that these alerts name. It stands in no contract: it holds for every project."""
NO_PROJECT = "(no project)"


def parked_alert(project: ProjectId, parked: ParkedProject, place: str) -> Output:
    """Return the alert that a project is parked; `place` names the service and the partition."""
    summary = f"work on this project has stopped at an error in {place}; its records wait: {parked.error}"
    return _alert(project, parked, place, AlertState.FIRING, at=parked.since, summary=summary)


def released_alert(project: ProjectId, parked: ParkedProject, place: str, now: int) -> Output:
    """Return the alert that the records of a parked project are processed, at `now` (ms since 1970)."""
    summary = f"work on this project goes on in {place}; all records that waited are processed"
    return _alert(project, parked, place, AlertState.RESOLVED, at=max(now, parked.since), summary=summary)


def _alert(
    project: ProjectId, parked: ParkedProject, place: str, state: AlertState, *, at: int, summary: str
) -> Output:
    name = project or NO_PROJECT
    alert = blake2b(f"{name}\0{RULE}\0{place}".encode(), digest_size=8).hexdigest()
    told = blake2b(f"{state.value}\0{at}\0{parked.error}".encode(), digest_size=6).hexdigest()
    value: dict[str, object] = {
        "id": alert,
        "transition": f"{alert}-{told}",
        "project": name,
        "rule": RULE,
        "state": state.value,
        "was": None if state is AlertState.FIRING else AlertState.FIRING.value,
        "at": iso(at),
        "since": iso(parked.since),
        "severity": Severity.CRITICAL.value,
        "value": None,
        "threshold": None,
        "labels": {"place": place},
        "summary": summary,
        "runbook": None,
        "by": None,
        "why": None,
        "silenced_by": [],
        "inhibited_by": [],
        "flapping": False,
        "evidence": {"error": parked.error, "first_waiting_offset": parked.position},
    }
    return event(ALERTS.name, alert.encode(), value, kind="alert", source="engine", event_id=str(value["transition"]))
