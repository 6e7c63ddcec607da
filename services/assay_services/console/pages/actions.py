"""Buttons that change something: permission check, notice of the result, page refresh."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from nicegui import ui

from assay_services.console.middleware import COOKIE
from assay_services.console.pages.html import Html, tag, text_or_dash
from assay_services.console.pages.layout import View, html
from assay_services.stores.control.tables.accounts import Role

Action = Callable[[], str]
"""Do something and return a notice of the result; raises errors that the page can show."""


class NoMoreAllowedError(Exception):
    """The viewer's role does not allow this, or no longer does."""


async def check_still_may(view: View, least: Role) -> None:
    """Check the session again, because the websocket outlives it; raise NoMoreAllowedError if the role is missing."""
    request = ui.context.client.request
    cookie = None if request is None else request.cookies.get(COOKIE)
    viewer = await asyncio.to_thread(view.parts.sessions.viewer, cookie, now=datetime.now(UTC))
    if viewer is None or not viewer.may(least):
        raise NoMoreAllowedError(f"This needs the role {least.value}. Sign in again, or ask an admin.")


@dataclass(frozen=True, slots=True)
class Actions:
    """What a page's buttons share: the user errors to show, and how to refresh the page."""

    view: View
    failures: tuple[type[Exception], ...]
    refresh: Callable[[], object]

    async def do(self, work: Action) -> None:
        """Run an action if the viewer is still a lead; notify of the result or the refusal."""
        try:
            await check_still_may(self.view, Role.LEAD)
            notice = work()
        except NoMoreAllowedError as error:
            refuse(error)
            return
        except self.failures as error:
            refuse(error)
            return
        ui.notify(notice, type="positive")
        self.refresh()

    def button(self, face: str, work: Action) -> None:
        """Show a button that runs an action."""
        button(face, partial(self.do, work))


def refuse(error: Exception) -> None:
    """Notify the viewer why an action was refused."""
    ui.notify(str(error), type="warning", multi_line=True, timeout=8_000)


def button(face: str | Html, do: Callable[[], object] | Callable[[], Awaitable[None]]) -> None:
    """Show a button in the console's style."""
    with ui.button(on_click=do, color=None).props("flat no-caps").classes("choice"):
        html(face if isinstance(face, Html) else tag("span", text_or_dash(face)))
