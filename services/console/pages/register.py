"""The register of pages, in the order of the navigation. A new page: a module, a line here, a line in `doors.py`."""

from services.console.pages import alert, alerts, annotators, items, overview, project, review, subscriptions, system
from services.console.pages.frame import Page, add_page
from services.console.parts import Parts

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    project.PAGE,
    annotators.PAGE,
    items.PAGE,
    review.PAGE,
    alerts.PAGE,
    subscriptions.PAGE,
    system.PAGE,
    annotators.ONE,
    items.ONE,
    alert.PAGE,
    subscriptions.ONE,
)


def add_pages(parts: Parts) -> None:
    """Register all pages with NiceGUI."""
    for page in PAGES:
        add_page(parts, page, PAGES)
