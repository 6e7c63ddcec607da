"""HTML from values: whatever comes from data is escaped, isolated from the text around it, and cut where it is long."""

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
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *inner: object, **attributes: object) -> Html:
    """Return an element. Attributes that are None are left out; `class_` is class, `data_x` data-x."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{shown}>{join(inner)}</{name}>")


def join(inner: Iterable[object]) -> Html:
    """Return values one after the other: HTML as it is, everything else escaped; None is nothing."""
    return Html("".join(one if isinstance(one, Html) else escape(str(one)) for one in inner if one is not None))


def plain(value: str) -> str:
    """Return text with its invisible characters (controls, marks that turn the direction of reading) spelt out."""
    return _CONTROLS.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", value)


def text_or_dash(value: str | None, *, most: int = SHORT, none: str = "-") -> Html:
    """Return somebody's text, isolated; what is longer than `most` is cut, and says so."""
    if value is None:
        return tag("span", none, class_="none")
    shown = plain(value[:most])
    rest = len(value) - most
    cut = tag("span", f" … {rest:,} more characters", class_="none") if rest > 0 else None
    return join((tag("bdi", shown), cut))


def whole(value: str | None) -> Html:
    """Return somebody's text, with a way to see all of it where it is long."""
    if value is None or len(value) <= 4 * SHORT:
        return tag("div", text_or_dash(value, most=4 * SHORT), class_="said")
    first = tag("div", text_or_dash(value, most=4 * SHORT), class_="said")
    rest = tag("div", text_or_dash(value, most=len(value)), class_="said")
    return join((first, tag("details", tag("summary", f"Show all {len(value):,} characters"), rest)))


def link(where: str, shown: object, **query: object) -> Html:
    """Return a link to a page of ours."""
    return tag("a", shown, href=address(where, **query))


def address(where: str, **query: object) -> str:
    """Return the address of a page; values that are None or '' are left out."""
    asked = {name: str(value) for name, value in query.items() if value not in {None, ""}}
    return where + (f"?{urlencode(asked, errors='surrogatepass')}" if asked else "")


def is_web(where: str) -> bool:
    """Tell whether an address from outside may be linked or shown as an image; a script's may not."""
    try:
        return urlsplit(where).scheme in {"http", "https"}
    except ValueError:  # such as http://[
        return False


def when(moment: datetime | None, zone: ZoneInfo) -> Html:
    """Return a time in the viewer's zone."""
    if moment is None:
        return tag("span", "-", class_="none")
    there = moment.astimezone(zone)
    return tag("time", f"{there:%d %b %H:%M:%S}", datetime=moment.isoformat(), title=f"{there:%Y-%m-%d %H:%M:%S %Z}")


def number(value: float | None, *, digits: int = 0, none: str = "-") -> Html:
    """Return a number."""
    return tag("span", none, class_="none") if value is None else Html(f"{value:,.{digits}f}")


def percent(value: float | None) -> Html:
    """Return a share in per cent."""
    return tag("span", "-", class_="none") if value is None else Html(f"{value * 100:.1f} %")


def interval(value: float | None, low: float | None, high: float | None, count: int | None, *, digits: int = 2) -> Html:
    """Return a value with its 95 % interval and on how many cases it rests."""
    if value is None:
        of = f", n {count:,}" if count is not None else ""
        return tag("span", f"not defined{of}", class_="none")
    bounds = f" ({low:.{digits}f} to {high:.{digits}f})" if low is not None and high is not None else ""
    rest = tag("span", f"{bounds}, n {count:,}" if count is not None else bounds, class_="soft")
    return join((f"{value:.{digits}f}", rest))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `sort` is its name in the address where rows can be sorted by it."""

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
    """Return a table. Its caption is for those who cannot see it, too."""
    shown = [one if isinstance(one, Column) else Column(one) for one in columns]
    head = tag("tr", *(_heading(one, sorting) for one in shown))
    body = [tag("tr", *(_cell(column, cell) for column, cell in zip(shown, row, strict=True))) for row in rows]
    made = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body))
    return tag("div", made, class_="table", tabindex="0", role="region", aria_label=caption)


def _cell(column: Column, content: object) -> Html:
    return tag("td", content, class_="n" if column.is_number else "text" if column.is_text else None)


@dataclass(frozen=True, slots=True)
class Sorting:
    """By what a table is sorted, and how its address is made."""

    where: str
    by: str
    is_down: bool
    query: tuple[tuple[str, str], ...] = ()

    def turned(self, name: str) -> str:
        """Return the address that sorts by a column: downwards first, the other way the second time."""
        way = "up" if name == self.by and self.is_down else "down"
        return address(self.where, **dict(self.query), sort=name, way=way)


def _heading(column: Column, sorting: Sorting | None) -> Html:
    title: object = column.title
    way = None
    if sorting is not None and column.sort is not None:
        mark = ""
        if sorting.by == column.sort:
            mark, way = (" ▼", "descending") if sorting.is_down else (" ▲", "ascending")
        title = tag("a", column.title + mark, href=sorting.turned(column.sort))
    return tag("th", title, scope="col", class_="n" if column.is_number else None, aria_sort=way, title=column.hint)


def empty_state(title: str, do: str, command: str | None = None) -> Html:
    """Return what stands where there is nothing yet: why, and what to do next."""
    run = tag("pre", tag("code", command)) if command else None
    return tag("div", tag("strong", title), tag("p", do), run, class_="nothing", role="status")


def bar(shares: Sequence[tuple[str, float, str]], *, label: str) -> Html:
    """Return shares as one bar with its legend; (name, share, colour class). The legend says all that the bar shows."""
    parts = [tag("i", style=f"width:{share * 100:.2f}%", class_=colour) for _, share, colour in shares if share > 0]
    legend = [
        tag("li", tag("i", class_=f"dot {colour}"), text_or_dash(name, most=24), " ", tag("b", f"{share * 100:.0f} %"))
        for name, share, colour in shares
    ]
    drawn = tag("div", *parts, class_="bar", role="img", aria_label=f"{label}: see the list")
    return tag("div", drawn, tag("ul", *legend, class_="legend", aria_label=label))


def tile(title: str, value: object, note: object = None) -> Html:
    """Return one number that stands for itself."""
    lines = (tag("div", title, class_="soft"), tag("div", value, class_="big"), tag("div", note, class_="soft"))
    return tag("div", *lines, class_="tile")
