"""Buttons that do something: who may, what came of it, and the page shown anew."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui

from services.console.pages.frame import html
from services.console.pages.markup import Html, said, tag

Work = Callable[[], str]
"""Do something and say what came of it; raises what the page knows how to say."""


@dataclass(frozen=True, slots=True)
class Actions:
    """What a page's buttons share: the errors that are a person's, and how to show the page anew."""

    failures: tuple[type[Exception], ...]
    refresh: Callable[[], object]

    def do(self, work: Work) -> None:
        """Do something and say what came of it, or why not."""
        try:
            done = work()
        except self.failures as error:
            ui.notify(str(error), type="warning", multi_line=True, timeout=8_000)
            return
        ui.notify(done, type="positive")
        self.refresh()

    def button(self, face: str, work: Work) -> None:
        """Show a button that does something."""
        button(face, lambda: self.do(work))


def button(face: str | Html, do: Callable[[], object] | Callable[[], Awaitable[None]]) -> None:
    """Show a button in the console's own look."""
    with ui.button(on_click=do, color=None).props("flat no-caps").classes("choice"):
        html(face if isinstance(face, Html) else tag("span", said(face)))
