"""The register of pages, in the order of the navigation. A new page: a module, a line here, a line in `doors.py`."""

from assay_services.console.dependencies import Parts
from assay_services.console.pages import (
    alert_detail,
    alert_list,
    annotators,
    items,
    overview,
    project,
    review,
    subscriptions,
    system,
)
from assay_services.console.pages.layout import Page, add_page

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    project.PAGE,
    annotators.PAGE,
    items.PAGE,
    review.PAGE,
    alert_list.PAGE,
    subscriptions.PAGE,
    system.PAGE,
    annotators.ONE,
    items.ONE,
    alert_detail.PAGE,
    subscriptions.ONE,
)


def add_pages(parts: Parts) -> None:
    """Register all pages with NiceGUI."""
    for page in PAGES:
        add_page(parts, page, PAGES)
