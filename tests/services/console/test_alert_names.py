"""What an alert says of annotators, before those who may see names and those who may not."""

from zoneinfo import ZoneInfo

import pytest

from assay_schemas.alert import Alert
from assay_services.console.auth.sessions import Viewer
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.console.pages.alert_list import summary
from assay_services.console.pages.charts import ChartColours
from assay_services.console.pages.layout import View
from assay_services.stores.control.tables.accounts import Role
from tests.services.archive.records import ALERT_VALUE


def seen_by(parts: ConsoleDependencies, role: Role, text: str, **labels: str) -> str:
    view = View(parts, Viewer("v", role), {}, ZoneInfo("UTC"), ChartColours(is_dark=False))
    return summary(view, Alert.model_validate(ALERT_VALUE | {"summary": text, "labels": labels}))


def test_a_lead_reads_the_summary_as_it_is(parts: ConsoleDependencies) -> None:
    found = seen_by(parts, Role.LEAD, "a17: copying with a18", annotator="a17", peer="a18")

    assert found == "<bdi>a17: copying with a18</bdi>"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER])
def test_others_read_pseudonyms_of_both_of_a_pair(parts: ConsoleDependencies, role: Role) -> None:
    viewer = Viewer("v", role)
    one, other = (parts.naming.shown(name, viewer) for name in ("a17", "a18"))

    found = seen_by(parts, role, "a17: copying with a18", annotator="a17", peer="a18")

    assert found == f"<bdi>{one}: copying with {other}</bdi>"


def test_a_name_that_is_part_of_other_words_leaves_them_whole(parts: ConsoleDependencies) -> None:
    who = parts.naming.shown("a", Viewer("v", Role.VIEWER))

    found = seen_by(parts, Role.VIEWER, "rejection share of annotator a is 0.8", annotator="a")

    assert found == f"<bdi>rejection share of annotator {who} is 0.8</bdi>"


def test_a_name_that_begins_another_does_not_show_it(parts: ConsoleDependencies) -> None:
    viewer = Viewer("v", Role.VIEWER)

    found = seen_by(parts, Role.VIEWER, "x.(: copying with x.(2", annotator="x.(", peer="x.(2")

    assert found == f"<bdi>{parts.naming.shown('x.(', viewer)}: copying with {parts.naming.shown('x.(2', viewer)}</bdi>"
