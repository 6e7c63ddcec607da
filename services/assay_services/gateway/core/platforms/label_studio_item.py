"""The item of a Label Studio task: its text, its image, and its attributes."""

from collections.abc import Sequence
from dataclasses import dataclass

from assay_services.gateway.core.decode_result import Settings
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    at,
    attributes,
    fields,
    identifier,
    listing,
    media,
    quoted,
    text,
)
from assay_services.gateway.core.platforms.label_studio_config import LabelConfig, ObjectTag

_TEXT_TAGS = {"text", "hypertext", "markdown", "chat", "paragraphs"}
_MEDIA_TAGS = {"image", "audio", "video", "audioplus", "pdf"}
_MEDIA_FIELDS = ("image", "audio", "video", "img")


def shown_by(control: str | None, config: LabelConfig) -> Sequence[ObjectTag]:
    """Return the object tags that a control refers to; all of them if the control is unknown."""
    known = config.controls.get(control or "")
    names = config.objects if known is None else [name for name in known.shows if name in config.objects]
    return [config.objects[name] for name in names]


@dataclass(frozen=True, slots=True)
class Shown:
    """The text and the media address that a task shows, the data fields they come from, and the number of pages."""

    text: str | None
    address: object
    used: tuple[str, ...]
    pages: int = 1

    @classmethod
    def of(cls, task: JsonFields, objects: Sequence[ObjectTag], settings: Settings) -> "Shown":
        """Find them by the settings, then by the label config, then by the usual field names."""
        data = fields(task.get("data"))
        texts = [one.field for one in objects if one.tag in _TEXT_TAGS and not one.is_address]
        places = [one.field for one in objects if one.tag in _MEDIA_TAGS or one.is_address]
        named = [] if settings.text_field is None else [settings.text_field]
        text_field = next((one for one in (*named, *texts, "text") if isinstance(at(data, one), str)), None)
        if text_field in places:
            text_field = None
        media_field = next((one for one in (*places, *_MEDIA_FIELDS) if isinstance(at(data, one), str)), None)
        found = None if text_field is None else text(at(data, text_field))
        used = tuple(one for one in (text_field, media_field) if one is not None)
        pages = max((len(listing(at(data, one.field))) for one in objects), default=0)
        return cls(found, None if media_field is None else at(data, media_field), used, max(pages, 1))


def item_of(
    task: JsonFields, objects: Sequence[ObjectTag], result: object, settings: Settings
) -> JsonFields | Malformed:
    """Return the item of a task. Its id is the task's, unless the settings name a field of its data or meta."""
    data, meta, own = fields(task.get("data")), fields(task.get("meta")), settings.item_field
    item_id = identifier(task.get("id")) if own is None else identifier(at(data, own)) or identifier(at(meta, own))
    if item_id is None:
        return Malformed(f"the task has no {'id' if own is None else quoted(own)} that could be the item's id")
    shown = Shown.of(task, objects, settings)
    return {
        "id": item_id,
        "text": shown.text,
        "media": _sized(shown.address, result),
        "attributes": attributes(meta, data, chosen=settings.attributes, used=shown.used),
    }


def _sized(address: object, result: object) -> JsonFields | None:
    """Return the image, with its size if a region has it."""
    sizes = [one for one in map(fields, listing(result)) if one.get("original_width") is not None]
    first = sizes[0] if sizes else {}
    return media(address, width=first.get("original_width"), height=first.get("original_height"))
