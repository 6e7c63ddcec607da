"""Shared by several platforms: answers by question name, and items as flat fields."""

from assay_services.gateway.core.decode_result import Settings
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    attributes,
    fields,
    identifier,
    kind_of,
    listing,
    media,
    number,
    quoted,
    text,
    whole,
)
from assay_services.gateway.core.platforms.span_texts import located

_MEDIA_FIELDS = ("image", "image_url", "audio", "video", "url")


def plain_label(value: object) -> object:
    """Read a plain label: a text, a number, a boolean, or a list of texts; return None for anything else."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    exact = number(value) if whole(value) is None else whole(value)
    if exact is not None:
        return exact
    words = listing(value)
    if isinstance(value, list) and all(isinstance(word, str) for word in words):
        return list(words)
    shapes = sorted({shape for one in map(fields, words) if (shape := shape_of(one)) is not None})
    of_shapes = f" (it holds {', '.join(map(quoted, shapes))})" if shapes else ""
    return Malformed(f"the label is {kind_of(value)} that is not read{of_shapes}")


def shape_of(part: JsonFields) -> str | None:
    """Return the shape that a part says it is (`polygon`), or None."""
    found = part.get("type", part.get("shape"))
    return found.lower() if isinstance(found, str) else None


def chosen_answer(answers: JsonFields, settings: Settings) -> str | Malformed | None:
    """Return the name of the answer that is the label: the first chosen one, else the only one; None if none exists."""
    if settings.controls:
        named = next((name for name in settings.controls if name in answers), None)
        return Malformed("there is none of the fields named in the settings") if named is None else named
    if len(answers) > 1:
        names = ", ".join(quoted(name) for name in answers)
        return Malformed(f"several fields could be the label ({names}); name one in the settings")
    return next(iter(answers), None)


def flat_item(values: JsonFields, settings: Settings, *, otherwise: object) -> JsonFields | Malformed:
    """Return an item whose text, image and attributes are flat fields; `otherwise` is the platform's own id."""
    item_id = identifier(otherwise) if settings.item_field is None else identifier(values.get(settings.item_field))
    if item_id is None:
        return Malformed(f"there is no {quoted(settings.item_field or 'id')} that could be the item's id")
    text_field = _text_field(values, settings)
    media_field = next((one for one in _MEDIA_FIELDS if one != text_field and isinstance(values.get(one), str)), None)
    return {
        "id": item_id,
        "text": None if text_field is None else text(values[text_field]),
        "media": None if media_field is None else media(values[media_field]),
        "attributes": attributes(values, chosen=settings.attributes, used=(text_field, media_field)),
    }


def _text_field(values: JsonFields, settings: Settings) -> str | None:
    named = settings.text_field or "text"
    return named if isinstance(values.get(named), str) else None


def spans_of(
    parts: object,
    *,
    start: str = "start",
    end: str = "end",
    label: str = "label",
    item_text: object = None,
    notes: list[str] | None = None,
) -> list[JsonFields] | Malformed | None:
    """Read spans that are objects with these fields; None if one is malformed.

    A span that brings its `text` is looked up in the item's: Malformed if it is not certain where it stands. What was
    found elsewhere is added to `notes`.
    """
    found: list[JsonFields] = []
    for part in map(fields, listing(parts)):
        begins, ends, name = whole(part.get(start)), whole(part.get(end)), part.get(label)
        if begins is None or ends is None or not isinstance(name, str):
            return None
        place = located(text(item_text), begins, ends, part.get("text"))
        if isinstance(place, Malformed):
            return place
        if place.note is not None and notes is not None:
            notes.append(place.note)
        found.append({"start": place.start, "end": place.end, "label": name})
    return found
