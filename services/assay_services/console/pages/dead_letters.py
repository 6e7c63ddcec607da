"""Dead letters on the page System: why, the bytes as they are, and sending them again."""

import asyncio
from collections.abc import Mapping, Sequence

from nicegui import ui

from assay_services.console.pages.actions import NoMoreAllowedError, button, check_still_may, refuse
from assay_services.console.pages.filters import onward
from assay_services.console.pages.html import Html, address, empty_state, join, link, number, tag, text_or_dash, when
from assay_services.console.pages.layout import View, html
from assay_services.console.system.dead_letter_resend import NotSentError, ResendOutcome
from assay_services.stores.archive.queries.dead_letters import DeadLetter, DeadLetterAddress, read_dead, read_reasons
from assay_services.stores.archive.queries.pagination import WrongCursor
from assay_services.stores.control.tables.accounts import Role
from assay_services.stores.control.tables.dead_letter_resends import SentAgain

_A_PAGE = 20
_SHOWN_BYTES = 512
_WIDTH = 16
_MOST_REFUSED = 3


async def build(view: View) -> None:
    """Show one page of the dead letters, each with a box to choose it by."""
    reason, after = view.query.get("reason", ""), view.query.get("after") or None
    with ui.element("section").classes("card"):
        html(tag("h2", "Dead letters: bytes that are no annotation"))
        try:
            found = await view.ask(read_dead, reason=reason, after=after, limit=_A_PAGE, most_bytes=_SHOWN_BYTES)
        except WrongCursor as error:
            html(empty_state("There is no such page", str(error)))
            return
        if not found.rows:
            html(empty_state("There are none", "Whatever cannot be read as an annotation lands here, whole, and why."))
            return
        html(await _reasons(view, reason))
        noted = await asyncio.to_thread(view.parts.sender.notes.of, found.rows)
        _list(view, found.rows, noted)
        html(onward("/system", found.following, reason=reason) or Html(""))


async def _reasons(view: View, chosen: str) -> Html:
    every = await view.ask(read_reasons)
    total = sum(one.count for one in every)
    links = [_reason(f"all ({total:,})", "", chosen)]
    links += [_reason(f"{one.name} ({one.count:,})", one.name, chosen) for one in every]
    return tag("nav", *links, class_="tabs", aria_label="Reasons")


def _reason(shown: str, reason: str, chosen: str) -> Html:
    here = "true" if reason == chosen else None
    return tag("a", text_or_dash(shown, most=60), href=address("/system", reason=reason), aria_current=here)


def _list(view: View, found: Sequence[DeadLetter], noted: Mapping[tuple[str, str, int, int], SentAgain]) -> None:
    boxes: dict[DeadLetterAddress, ui.checkbox] = {}
    for one in found:
        with ui.element("div").classes("letter"):
            note = noted.get(one.address)
            if note is None or note.sent_at is None:
                boxes[one.place] = ui.checkbox().props(f'aria-label="Choose letter {one.place.offset}" dense')
            html(_letter(view, one, note))
    if boxes:
        _buttons(view, boxes)


def _buttons(view: View, boxes: Mapping[DeadLetterAddress, ui.checkbox]) -> None:
    async def send() -> None:
        chosen = [place for place, box in boxes.items() if box.value]
        if not chosen:
            ui.notify("Choose some letters first.", type="warning")
            return
        try:
            await check_still_may(view, Role.LEAD)
            outcome = await view.parts.sender.send(chosen, by=view.viewer.name)
        except (NoMoreAllowedError, NotSentError) as error:
            refuse(error)
            return
        after.set_content(resend_summary(outcome))

    def choose_all() -> None:
        for box in boxes.values():
            box.set_value(True)

    with ui.element("div").classes("choices"):
        button("Choose all on this page", choose_all)
        button("Send the chosen again", send)
    note = "First mend what killed them: apply the contract that is missing, or bring a decoder that reads them."
    html(tag("p", note, class_="soft"))
    after = html(Html("")).props('role="status"')


def resend_summary(outcome: ResendOutcome) -> Html:
    """Return what came of sending again."""
    lines = [tag("p", number(outcome.sent), " sent again. ", link("/system", "See all"))]
    reasons = list(dict.fromkeys(outcome.refused.values()))
    for reason in reasons[:_MOST_REFUSED]:
        count = sum(one == reason for one in outcome.refused.values())
        lines.append(tag("p", number(count), " not sent: ", text_or_dash(reason, most=300)))
    return join(lines)


def _letter(view: View, one: DeadLetter, note: SentAgain | None) -> Html:
    where = f"partition {one.place.partition}, offset {one.place.offset}, {one.size:,} bytes"
    head = join(
        (
            tag("b", text_or_dash(one.reason, most=60)),
            " ",
            text_or_dash(one.field, most=120),
            " ",
            when(one.judged_at, view.zone),
        )
    )
    return join(
        (
            tag("div", head, _noted(view, note)),
            tag("div", text_or_dash(one.message, most=400), class_="said"),
            tag("div", where, ", key ", text_or_dash(one.key, most=120, none="none"), class_="soft"),
            tag("details", tag("summary", "The bytes"), *_bytes(one)),
        )
    )


def _noted(view: View, note: SentAgain | None) -> Html | None:
    if note is None:
        return None
    if note.sent_at is None:
        return tag(
            "span", " sending was begun by ", text_or_dash(note.by), " ", when(note.asked_at, view.zone), class_="badge"
        )
    return tag("span", " sent again by ", text_or_dash(note.by), " ", when(note.sent_at, view.zone), class_="badge")


def _bytes(one: DeadLetter) -> Sequence[Html]:
    if one.value is None:
        return [tag("p", "The record has no value.", class_="none")]
    shown = [tag("pre", tag("code", hex_dump(one.value)))]
    text = one.value.decode(errors="replace")
    shown.append(tag("div", text_or_dash(text, most=len(text)), class_="said"))
    rest = one.size - len(one.value)
    if rest > 0:
        shown.append(tag("p", f"{rest:,} more bytes: the API has more of them (/api/v1/dead)", class_="none"))
    return shown


def hex_dump(raw: bytes) -> str:
    """Return bytes sixteen a line: offset, hexadecimal, and what is printable in ASCII."""
    lines = []
    for start in range(0, len(raw), _WIDTH):
        part = raw[start : start + _WIDTH]
        plain = "".join(chr(one) if 32 <= one < 127 else "." for one in part)  # noqa: PLR2004  # ASCII's own bounds
        lines.append(f"{start:06x}  {part.hex(' '):<{3 * _WIDTH}} {plain}")
    return "\n".join(lines)
