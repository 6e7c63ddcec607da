"""An item as a reviewer sees it: text, image, two answers side by side, highlighted spans, and boxes."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from assay_schemas.annotation import Box, Label, Span
from assay_services.console.pages.html import Html, is_web, join, plain, tag, text_or_dash, whole
from assay_services.stores.archive.queries.items import ItemView

_SIDES = ("left", "right")
_MOST_MARKED = 20_000


def item(content: ItemView, *, is_pair: bool) -> Html:
    """Return the content of an item."""
    text = whole(content.text) if content.text else None
    if is_pair and all(side in content.attributes for side in _SIDES):
        sides = [
            tag("section", tag("h3", side), whole(content.attributes[side]), class_="card side") for side in _SIDES
        ]
        return join((text, tag("div", *sides, class_="pair")))
    parts = [text, image(content.media, ()) if content.media else None]
    return join(parts) if any(parts) else tag("p", "This item has no text and no image, only an id.")


def image(media: Mapping[str, Any], boxes: Sequence[Box]) -> Html:
    """Return an image, with boxes over it if its size is known; an address other than http(s) as text."""
    uri = str(media.get("uri", ""))
    if not is_web(uri):
        return tag("p", "Media: ", text_or_dash(uri, most=300))
    width, height = media.get("width"), media.get("height")
    drawn = tag("img", src=uri, alt="image of the item", loading="lazy", referrerpolicy="no-referrer")
    if boxes and width and height:
        shapes = [_box(number, one) for number, one in enumerate(boxes)]
        drawn = join((drawn, tag("svg", *shapes, viewBox=f"0 0 {width} {height}", aria_hidden="true")))
    return tag("figure", drawn, tag("figcaption", text_or_dash(uri, most=200)), class_="image")


def _box(number: int, box: Box) -> Html:
    return tag("rect", class_=f"box s{number % 8}", x=box.x, y=box.y, width=box.width, height=box.height)


def answer(label: Label, content: ItemView) -> Html:
    """Return a label; its spans are highlighted in the text, its boxes drawn and listed."""
    if not isinstance(label, list):
        return text_or_dash(str(label), most=200)
    spans, boxes = [one for one in label if isinstance(one, Span)], [one for one in label if isinstance(one, Box)]
    if spans:
        return marked(content.text or "", spans)
    if not boxes:
        return (
            text_or_dash(", ".join(map(str, label)), most=200)
            if label
            else tag("span", "nothing marked", class_="none")
        )
    listed = [tag("li", text_or_dash(one.label, most=60), " at ", _place(one)) for one in boxes]
    drawn = image(content.media, boxes) if content.media else None
    return join((drawn, tag("ol", *listed)))


def _place(box: Box) -> str:
    return f"{box.x:g}, {box.y:g}, {box.width:g} wide, {box.height:g} high"


def marked(text: str, spans: Sequence[Span]) -> Html:
    """Return the text with its spans highlighted and named; overlapping spans show all their names."""
    rest, text = len(text) - _MOST_MARKED, text[:_MOST_MARKED]
    ends = (min(max(end, 0), len(text)) for one in spans for end in (one.start, one.end))
    edges = sorted({0, len(text), *ends})
    parts: list[object] = []
    for start, end in pairwise(edges):
        names = [one.label for one in spans if one.start <= start and end <= one.end]
        piece = plain(text[start:end])
        parts.append(tag("mark", piece, tag("sub", text_or_dash(", ".join(names), most=80))) if names else piece)
    cut = tag("span", f" … {rest:,} more characters", class_="none") if rest > 0 else None
    return tag("div", tag("bdi", *parts), cut, class_="quoted")
