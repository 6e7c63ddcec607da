"""HTML from values: data is escaped, isolated from the surrounding text direction, and shortened if long."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
SHORT, LONG = 160, 20_000


class Html(str):
    """Text that is already HTML."""

    __slots__ = ()


def tag(name: str, /, *inner: object, **attributes: object) -> Html:
    """Return an element. Attributes that are None are omitted; `class_` becomes class, `data_x` becomes data-x."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{join(inner)}</{name}>")


def join(inner: Iterable[object]) -> Html:
    """Concatenate values: HTML unchanged, everything else escaped, None omitted."""
    return Html("".join(one if isinstance(one, Html) else escape(str(one)) for one in inner if one is not None))


def plain(value: str) -> str:
    """Return text with its invisible characters (control characters, direction marks) written as code points."""
    return _CONTROLS.sub(lambda match: f"⟦U+{ord(match[0]):04X}⟧", value)


def text_or_dash(value: str | None, *, most: int = SHORT, none: str = "-") -> Html:
    """Return text from data, isolated. Longer than `most` characters, it is cut and the number omitted is shown."""
    if value is None:
        return tag("span", none, class_="none")
    shown = plain(value[:most])
    rest = len(value) - most
    cut = tag("span", f" … {rest:,} more characters", class_="none") if rest > 0 else None
    return join((tag("bdi", shown), cut))


def whole(value: str | None) -> Html:
    """Return text from data; a long one is shortened, with a control that shows all of it."""
    if value is None or len(value) <= 4 * SHORT:
        return tag("div", text_or_dash(value, most=4 * SHORT), class_="quoted")
    first = tag("div", text_or_dash(value, most=4 * SHORT), class_="quoted")
    rest = tag("div", text_or_dash(value, most=len(value)), class_="quoted")
    return join((first, tag("details", tag("summary", f"Show all {len(value):,} characters"), rest)))


def link(where: str, shown: object, **query: object) -> Html:
    """Return a link to a page of the console."""
    return tag("a", shown, href=address(where, **query))


def address(where: str, **query: object) -> str:
    """Return the address of a page; query values that are None or '' are omitted."""
    parameters = {name: str(value) for name, value in query.items() if value not in {None, ""}}
    return where + (f"?{urlencode(parameters, errors='surrogatepass')}" if parameters else "")


def is_web(where: str) -> bool:
    """Return whether an external address may be linked or shown as an image: only http and https."""
    try:
        return urlsplit(where).scheme in {"http", "https"}
    except ValueError:  # such as http://[
        return False


def when(moment: datetime | None, zone: ZoneInfo) -> Html:
    """Return a time in the viewer's time zone; '-' for None."""
    if moment is None:
        return tag("span", "-", class_="none")
    local = moment.astimezone(zone)
    return tag("time", f"{local:%d %b %H:%M:%S}", datetime=moment.isoformat(), title=f"{local:%Y-%m-%d %H:%M:%S %Z}")


def number(value: float | None, *, digits: int = 0, none: str = "-") -> Html:
    """Return a number with thousands separators."""
    return tag("span", none, class_="none") if value is None else Html(f"{value:,.{digits}f}")


def percent(value: float | None) -> Html:
    """Return a share (0 to 1) in percent."""
    return tag("span", "-", class_="none") if value is None else Html(f"{value * 100:.1f} %")


def interval(value: float | None, low: float | None, high: float | None, count: int | None, *, digits: int = 2) -> Html:
    """Return a value with its 95 % interval and the number of cases, or 'not defined' for None."""
    if value is None:
        cases = f", n {count:,}" if count is not None else ""
        return tag("span", f"not defined{cases}", class_="none")
    bounds = f" ({low:.{digits}f} to {high:.{digits}f})" if low is not None and high is not None else ""
    rest = tag("span", f"{bounds}, n {count:,}" if count is not None else bounds, class_="soft")
    return join((f"{value:.{digits}f}", rest))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `sort` is its name in the address if rows can be sorted by it."""

    title: str
    sort: str | None = None
    is_number: bool = False
    is_text: bool = False
    hint: str | None = None


def table(
    caption: str,
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[object]],
    *,
    sorting: "Sorting | None" = None,
) -> Html:
    """Return a table. The caption is also its label for screen readers."""
    described = [column if isinstance(column, Column) else Column(column) for column in columns]
    head = tag("tr", *(_heading(column, sorting) for column in described))
    body = [tag("tr", *(_cell(column, cell) for column, cell in zip(described, row, strict=True))) for row in rows]
    content = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body))
    return tag("div", content, class_="table", tabindex="0", role="region", aria_label=caption)


def _cell(column: Column, content: object) -> Html:
    return tag("td", content, class_="n" if column.is_number else "text" if column.is_text else None)


@dataclass(frozen=True, slots=True)
class Sorting:
    """The sort column and direction of a table, and its address."""

    where: str
    by: str
    is_down: bool
    query: tuple[tuple[str, str], ...] = ()

    def address_by(self, name: str) -> str:
        """Return the address that sorts by a column: descending first, ascending if it is descending already."""
        way = "up" if name == self.by and self.is_down else "down"
        return address(self.where, **dict(self.query), sort=name, way=way)


def _heading(column: Column, sorting: Sorting | None) -> Html:
    title: object = column.title
    way = None
    if sorting is not None and column.sort is not None:
        mark = ""
        if sorting.by == column.sort:
            mark, way = (" ▼", "descending") if sorting.is_down else (" ▲", "ascending")
        title = tag("a", column.title + mark, href=sorting.address_by(column.sort))
    return tag("th", title, scope="col", class_="n" if column.is_number else None, aria_sort=way, title=column.hint)


def empty_state(title: str, do: str, command: str | None = None) -> Html:
    """Return the notice for an empty place: why it is empty, what to do next, and the command for it."""
    run = tag("pre", tag("code", command)) if command else None
    return tag("div", tag("strong", title), tag("p", do), run, class_="nothing", role="status")


def bar(shares: Sequence[tuple[str, float, str]], *, label: str) -> Html:
    """Return shares (name, share, colour class) as one bar with a legend that has the same numbers as text."""
    pieces = [tag("i", style=f"width:{share * 100:.2f}%", class_=colour) for _, share, colour in shares if share > 0]
    legend = [
        tag("li", tag("i", class_=f"dot {colour}"), text_or_dash(name, most=24), " ", tag("b", f"{share * 100:.0f} %"))
        for name, share, colour in shares
    ]
    drawn = tag("div", *pieces, class_="bar", role="img", aria_label=f"{label}: see the list")
    return tag("div", drawn, tag("ul", *legend, class_="legend", aria_label=label))


def tile(title: str, value: object, note: object = None) -> Html:
    """Return a tile with one number, its title and a note."""
    lines = (tag("div", title, class_="soft"), tag("div", value, class_="big"), tag("div", note, class_="soft"))
    return tag("div", *lines, class_="tile")
