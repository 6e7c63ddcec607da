"""The navigation: an icon drawn as SVG with the title as text beside it, for every page a role may see."""

import re

import pytest

from assay_services.console.app import PAGES
from assay_services.console.auth.sessions import Viewer
from assay_services.console.pages import system
from assay_services.console.pages.layout import navigation
from assay_services.stores.control.tables.accounts import Role


def test_every_icon_is_a_hidden_drawing_in_the_colour_of_the_text_beside_it() -> None:
    entries = navigation(Viewer("a", Role.ADMIN), system.PAGE, PAGES)

    assert len(entries) == 8
    for entry in entries:
        (icon,) = re.findall(r"<svg .*</svg>", entry)
        assert 'aria-hidden="true"' in icon
        assert 'stroke="currentColor"' in icon
        assert "http" not in icon
        assert re.sub(r"<[^>]*>", "", entry).isascii()
        assert re.sub(r"<[^>]*>", "", entry)
    assert len(set(re.findall(r"<svg .*?</svg>", "".join(entries)))) == len(entries)


@pytest.mark.parametrize(("role", "last"), [(Role.VIEWER, "Alerts"), (Role.REVIEWER, "Alerts"), (Role.LEAD, "System")])
def test_a_role_has_entries_for_its_pages_only(role: Role, last: str) -> None:
    entries = [re.sub(r"<[^>]*>", "", entry) for entry in navigation(Viewer("v", role), system.PAGE, PAGES)]

    assert entries[-1] == last
    assert ("Review" in entries) == role.is_at_least(Role.REVIEWER)


def test_the_current_page_is_marked() -> None:
    (current,) = [one for one in navigation(Viewer("a", Role.LEAD), system.PAGE, PAGES) if "aria-current" in one]

    assert "System" in current
