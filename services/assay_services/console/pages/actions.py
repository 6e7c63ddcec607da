"""Buttons that do something: who may, what came of it, and the page shown anew."""

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
"""Do something and say what came of it; raises what the page knows how to say."""


class NoMoreAllowedError(Exception):
    """Who looks may not do this, or may not any more."""


async def check_still_may(view: View, least: Role) -> None:
    """Look at the session anew: the page's websocket was let in earlier. Raise NoMoreAllowedError."""
    request = ui.context.client.request
    cookie = None if request is None else request.cookies.get(COOKIE)
    viewer = await asyncio.to_thread(view.parts.sessions.viewer, cookie, now=datetime.now(UTC))
    if viewer is None or not viewer.may(least):
        raise NoMoreAllowedError(f"this takes the role {least.value}; sign in again, or ask an admin")


@dataclass(frozen=True, slots=True)
class Actions:
    """What a page's buttons share: the errors that are a person's, and how to show the page anew."""

    view: View
    failures: tuple[type[Exception], ...]
    refresh: Callable[[], object]

    async def do(self, work: Action) -> None:
        """Do something as a lead who still is one, and say what came of it, or why not."""
        try:
            await check_still_may(self.view, Role.LEAD)
            done = work()
        except NoMoreAllowedError as error:
            refuse(error)
            return
        except self.failures as error:
            refuse(error)
            return
        ui.notify(done, type="positive")
        self.refresh()

    def button(self, face: str, work: Action) -> None:
        """Show a button that does something."""
        button(face, partial(self.do, work))


def refuse(error: Exception) -> None:
    """Say why something was not done."""
    ui.notify(str(error), type="warning", multi_line=True, timeout=8_000)


def button(face: str | Html, do: Callable[[], object] | Callable[[], Awaitable[None]]) -> None:
    """Show a button in the console's own look."""
    with ui.button(on_click=do, color=None).props("flat no-caps").classes("choice"):
        html(face if isinstance(face, Html) else tag("span", text_or_dash(face)))
