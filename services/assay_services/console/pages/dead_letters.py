"""Dead letters on the System page: the reason, the original bytes, and resending."""

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
    """Show one page of dead letters, each with a checkbox for resending."""
    reason, after = view.query.get("reason", ""), view.query.get("after") or None
    with ui.element("section").classes("card"):
        html(tag("h2", "Dead letters: records that could not be parsed"))
        try:
            letters = await view.ask(read_dead, reason=reason, after=after, limit=_A_PAGE, most_bytes=_SHOWN_BYTES)
        except WrongCursor as error:
            html(empty_state("This page of the list does not exist", str(error)))
            return
        if not letters.rows:
            hint = "Records that cannot be parsed appear here, with the reason and the original bytes."
            html(empty_state("No dead letters", hint))
            return
        html(await _reasons(view, reason))
        notes = await asyncio.to_thread(view.parts.sender.notes.of, letters.rows)
        _list(view, letters.rows, notes)
        html(onward("/system", letters.following, reason=reason) or Html(""))


async def _reasons(view: View, chosen: str) -> Html:
    reasons = await view.ask(read_reasons)
    total = sum(one.count for one in reasons)
    links = [_reason(f"all ({total:,})", "", chosen)]
    links += [_reason(f"{one.name} ({one.count:,})", one.name, chosen) for one in reasons]
    return tag("nav", *links, class_="tabs", aria_label="Reasons")


def _reason(title: str, reason: str, chosen: str) -> Html:
    current = "true" if reason == chosen else None
    return tag("a", text_or_dash(title, most=60), href=address("/system", reason=reason), aria_current=current)


def _list(view: View, letters: Sequence[DeadLetter], notes: Mapping[tuple[str, str, int, int], SentAgain]) -> None:
    boxes: dict[DeadLetterAddress, ui.checkbox] = {}
    for one in letters:
        with ui.element("div").classes("letter"):
            note = notes.get(one.address)
            if note is None or note.sent_at is None:
                boxes[one.place] = ui.checkbox().props(f'aria-label="Select dead letter {one.place.offset}" dense')
            html(_letter(view, one, note))
    if boxes:
        _buttons(view, boxes)


def _buttons(view: View, boxes: Mapping[DeadLetterAddress, ui.checkbox]) -> None:
    async def send() -> None:
        chosen = [place for place, box in boxes.items() if box.value]
        if not chosen:
            ui.notify("Select at least one dead letter first.", type="warning")
            return
        try:
            await check_still_may(view, Role.LEAD)
            outcome = await view.parts.sender.send(chosen, by=view.viewer.name)
        except (NoMoreAllowedError, NotSentError) as error:
            refuse(error)
            return
        result.set_content(resend_summary(outcome))

    def select_all() -> None:
        for box in boxes.values():
            box.set_value(True)

    with ui.element("div").classes("choices"):
        button("Select all on this page", select_all)
        button("Resend selected", send)
    note = "Fix the cause first: apply the missing contract, or install a decoder that can parse the records."
    html(tag("p", note, class_="soft"))
    result = html(Html("")).props('role="status"')


def resend_summary(outcome: ResendOutcome) -> Html:
    """Return how many were resent, and why the others were not."""
    lines = [tag("p", number(outcome.sent), " resent. ", link("/system", "Show all"))]
    reasons = list(dict.fromkeys(outcome.refused.values()))
    for reason in reasons[:_MOST_REFUSED]:
        count = sum(one == reason for one in outcome.refused.values())
        lines.append(tag("p", number(count), " not resent: ", text_or_dash(reason, most=300)))
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
            tag("div", head, _resend_note(view, note)),
            tag("div", text_or_dash(one.message, most=400), class_="quoted"),
            tag("div", where, ", key ", text_or_dash(one.key, most=120, none="none"), class_="soft"),
            tag("details", tag("summary", "Original bytes"), *_bytes(one)),
        )
    )


def _resend_note(view: View, note: SentAgain | None) -> Html | None:
    if note is None:
        return None
    if note.sent_at is None:
        return tag(
            "span", " resend started by ", text_or_dash(note.by), " ", when(note.asked_at, view.zone), class_="badge"
        )
    return tag("span", " resent by ", text_or_dash(note.by), " ", when(note.sent_at, view.zone), class_="badge")


def _bytes(one: DeadLetter) -> Sequence[Html]:
    if one.value is None:
        return [tag("p", "The record has no value.", class_="none")]
    parts = [tag("pre", tag("code", hex_dump(one.value)))]
    text = one.value.decode(errors="replace")
    parts.append(tag("div", text_or_dash(text, most=len(text)), class_="quoted"))
    rest = one.size - len(one.value)
    if rest > 0:
        parts.append(tag("p", f"{rest:,} more bytes are available from the API (/api/v1/dead).", class_="none"))
    return parts


def hex_dump(raw: bytes) -> str:
    """Return a hex dump with sixteen bytes per line: offset, hexadecimal, printable ASCII."""
    lines = []
    for start in range(0, len(raw), _WIDTH):
        part = raw[start : start + _WIDTH]
        plain = "".join(chr(one) if 32 <= one < 127 else "." for one in part)  # noqa: PLR2004  # ASCII's own bounds
        lines.append(f"{start:06x}  {part.hex(' '):<{3 * _WIDTH}} {plain}")
    return "\n".join(lines)
