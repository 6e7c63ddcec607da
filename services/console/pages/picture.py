"""What is to be judged, as people see it: text, an image, two answers side by side, marked stretches and boxes."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from services.console.pages.markup import Html, join, plain, said, tag, whole
from services.console.reading.items import ItemView

_SIDES = ("left", "right")
_MOST_MARKED = 20_000


def item(found: ItemView, *, is_pair: bool) -> Html:
    """Return the item as it is judged."""
    if is_pair and all(side in found.attributes for side in _SIDES):
        sides = [tag("section", tag("h3", side), whole(found.attributes[side]), class_="card side") for side in _SIDES]
        return join((whole(found.text) if found.text else None, tag("div", *sides, class_="pair")))
    shown = [whole(found.text) if found.text else None, image(found.media, ()) if found.media else None]
    return join(shown) if any(shown) else tag("p", "It has no text and no image; its id is all that is known.")


def image(media: Mapping[str, Any], boxes: Sequence[Mapping[str, Any]]) -> Html:
    """Return an image by its address, with boxes over it where its size is known; other addresses as text."""
    uri = str(media.get("uri", ""))
    if urlsplit(uri).scheme not in {"http", "https"}:
        return tag("p", "Media: ", said(uri, most=300))
    width, height = media.get("width"), media.get("height")
    drawn = tag("img", src=uri, alt="the item's image", loading="lazy", referrerpolicy="no-referrer")
    if boxes and width and height:
        shapes = [_box(number, one) for number, one in enumerate(boxes)]
        drawn = join((drawn, tag("svg", *shapes, viewBox=f"0 0 {width} {height}", aria_hidden="true")))
    return tag("figure", drawn, tag("figcaption", said(uri, most=200)), class_="image")


def _box(number: int, box: Mapping[str, Any]) -> Html:
    places = {name: float(box[name]) for name in ("x", "y", "width", "height")}
    return tag("rect", class_=f"box s{number % 8}", **places)


def answer(label: Any, found: ItemView) -> Html:  # noqa: ANN401  # of any kind
    """Return a label made of parts: its stretches marked in the text, its boxes drawn and listed."""
    if not isinstance(label, list) or not label or not all(isinstance(one, Mapping) for one in label):
        return said(", ".join(map(str, label)) if isinstance(label, list) else str(label), most=200)
    if "start" in label[0]:
        return marked(found.text or "", label)
    listed = [tag("li", said(str(one["label"]), most=60), " at ", _place(one)) for one in label]
    drawn = image(found.media, label) if found.media else None
    return join((drawn, tag("ol", *listed)))


def _place(box: Mapping[str, Any]) -> str:
    return f"{box['x']:g}, {box['y']:g}, {box['width']:g} wide, {box['height']:g} high"


def marked(text: str, spans: Sequence[Mapping[str, Any]]) -> Html:
    """Return the text with the stretches marked and named; where they overlap, all names stand."""
    text = text[:_MOST_MARKED]
    ends = (min(max(int(one[end]), 0), len(text)) for one in spans for end in ("start", "end"))
    edges = sorted({0, len(text), *ends})
    parts: list[object] = []
    for start, end in pairwise(edges):
        names = [str(one["label"]) for one in spans if one["start"] <= start and end <= one["end"]]
        piece = plain(text[start:end])
        parts.append(tag("mark", piece, tag("sub", said(", ".join(names), most=80))) if names else piece)
    return tag("div", tag("bdi", *parts), class_="said")
