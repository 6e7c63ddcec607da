"""The frame of every page: navigation, signed-in user, light or dark mode, time zone, and errors."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request
from nicegui import ui
from sqlalchemy import Engine

from assay_schemas.annotation import AnnotatorId
from assay_services.console.auth.sessions import Viewer
from assay_services.console.dependencies import ConsoleDependencies
from assay_services.console.middleware import COOKIE
from assay_services.console.pages.charts import ChartColours
from assay_services.console.pages.html import Html, empty_state, tag
from assay_services.console.permissions import LEAST_ROLES
from assay_services.stores.archive.queries.db import ArchiveAway

P = ParamSpec("P")
T = TypeVar("T")
STYLE = (Path(__file__).parent / "console.css").read_text()
_STILL_SIGNED_IN_SECONDS = 10.0
_SET_PREFERENCES = """
if (!document.cookie.includes('assay_zone=')) {
  const rest = '; path=/; max-age=31536000; samesite=lax';
  document.cookie = 'assay_zone=' + Intl.DateTimeFormat().resolvedOptions().timeZone + rest;
  if (!document.cookie.includes('assay_look='))
    document.cookie = 'assay_look=' + (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light') + rest;
  if (document.cookie.includes('assay_zone=')) location.reload();
}
"""


@dataclass(frozen=True, slots=True)
class View:
    """Everything a page is built from: the viewer, the query, the time zone, the colours."""

    parts: ConsoleDependencies
    viewer: Viewer
    query: Mapping[str, str]
    zone: ZoneInfo
    colours: ChartColours

    async def ask(self, query: Callable[Concatenate[Engine, P], T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run an archive query in a thread."""
        return await asyncio.to_thread(query, self.parts.archive, *arguments, **options)

    @property
    def namer(self) -> Callable[[AnnotatorId], str]:
        """Return `named`, or `str` if this viewer sees all names."""
        return str if self.parts.naming.sees_names(self.viewer) else self.named

    def named(self, annotator: AnnotatorId) -> str:
        """Return the name or pseudonym under which this viewer sees an annotator."""
        return self.parts.naming.shown(annotator, self.viewer)


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """One page, filled by `build`. Without an `icon` it is not in the navigation but belongs to the entry `within`."""

    path: str
    title: str
    build: Callable[[View], Awaitable[None]]
    icon: Html | None = None
    within: str = ""


def add_page(parts: ConsoleDependencies, page: ConsolePage, pages: Sequence[ConsolePage]) -> None:
    """Register a page with NiceGUI."""

    @ui.page(page.path, title=f"{page.title} · Assay", response_timeout=parts.settings.console_query_seconds + 5)
    async def shown(request: Request) -> None:
        view = _view(parts, request)
        ui.dark_mode(view.colours.is_dark)
        ui.add_css(STYLE)
        ui.add_head_html('<html lang="en">')
        ui.context.client.on_connect(lambda: ui.run_javascript(_SET_PREFERENCES))
        _heading(view, page, pages)
        with ui.element("div").props('id="main" tabindex="-1"').classes("content"):  # NiceGUI's page is the <main>
            try:
                await page.build(view)
            except ArchiveAway as away:
                html(empty_state("The archive is unavailable", f"{away}. Reload this page to try again.", "assay up"))
        ui.timer(_STILL_SIGNED_IN_SECONDS, lambda: _leave_if_signed_out(parts, request))


def html(content: Html) -> ui.html:
    """Show HTML made by `html.py`, which escapes everything that comes from data."""
    return ui.html(content, sanitize=False)


def _view(parts: ConsoleDependencies, request: Request) -> View:
    try:
        zone = ZoneInfo(request.cookies.get("assay_zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    colours = ChartColours(is_dark=request.cookies.get("assay_look") == "dark")
    return View(parts, request.state.viewer, request.query_params, zone, colours)


def _heading(view: View, page: ConsolePage, pages: Sequence[ConsolePage]) -> None:
    links = navigation(view.viewer, page, pages)
    account = tag(
        "form",
        tag("span", f"{view.viewer.name}, {view.viewer.role.value}", class_="soft"),
        tag("input", type="hidden", name="form_token", value=view.viewer.form_token or ""),
        tag("button", "Sign out"),
        method="post",
        action="/sign-out",
    )
    skip = tag("a", "Skip to content", href="#main", class_="skip")
    menu = tag(
        "details", tag("summary", "Menu"), tag("nav", tag("ul", *links), aria_label="Pages"), account, class_="menu"
    )
    wide = tag("div", tag("nav", tag("ul", *links), aria_label="All pages"), account, class_="wide")
    with ui.element("header"):
        html(tag("div", skip, tag("a", "Assay", href="/", class_="mark"), menu, wide, class_="bars"))
        other = "light" if view.colours.is_dark else "dark"
        ui.button(f"{other.capitalize()} mode", color=None, on_click=lambda: ui.run_javascript(_set_mode(other))).props(
            "flat dense no-caps"
        ).classes("look")


def navigation(viewer: Viewer, page: ConsolePage, pages: Sequence[ConsolePage]) -> Sequence[Html]:
    """Return the entries of the navigation that a viewer's role allows, the current one marked."""
    entries = []
    for entry in pages:
        least = LEAST_ROLES.get(entry.path)
        if entry.icon is not None and least is not None and viewer.may(least):
            current = "page" if entry.path in {page.path, page.within} else None
            entries.append(tag("li", tag("a", entry.icon, entry.title, href=entry.path, aria_current=current)))
    return entries


def _set_mode(mode: str) -> str:
    return f"document.cookie='assay_look={mode}; path=/; max-age=31536000; samesite=lax'; location.reload()"


async def _leave_if_signed_out(parts: ConsoleDependencies, request: Request) -> None:
    """Redirect to the sign-in page if the session has ended; the open websocket outlives the session."""
    cookie = request.cookies.get(COOKIE)
    if await asyncio.to_thread(parts.sessions.viewer, cookie, now=datetime.now(UTC)) is None:
        ui.navigate.to("/sign-in")
