"""What a Label Studio result holds beside the label: additions to leave out, or parts without which it is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from assay_services.gateway.core.platforms.coercion import JsonFields, Malformed, quoted, text_or_empty
from assay_services.gateway.core.platforms.label_studio_config import LabelConfig
from assay_services.gateway.core.platforms.label_studio_types import (
    READ,
    REGIONS,
    REMARKS,
    family_of,
    family_of_tag,
    is_geometry,
    type_of,
)
from assay_services.gateway.core.unread_part import UnreadPart

_UNTYPED = "no type"


@dataclass(frozen=True, slots=True)
class LabelParts:
    """All results, and those of the control that is the label. `is_named`: a person named the control."""

    every: Sequence[JsonFields]
    own: Sequence[JsonFields]
    control: str | None
    is_named: bool

    def others(self) -> list[JsonFields]:
        """Return the other results, without the bare shapes of the label's own regions."""
        mine, ids = {id(one) for one in self.own}, {text_or_empty(one.get("id")) for one in self.own} - {""}
        return [
            one
            for one in self.every
            if id(one) not in mine and not (is_geometry(one) and text_or_empty(one.get("id")) in ids)
        ]


def left_out(parts: LabelParts, config: LabelConfig) -> tuple[UnreadPart, ...] | Malformed:
    """Return the additions beside a complete label; Malformed if the label is not complete without one of them."""
    others = parts.others()
    unread = [one for one in others if type_of(one) not in READ]
    if unread and not parts.own:
        kinds = ", ".join(sorted({quoted(type_of(one) or _UNTYPED) for one in unread}))
        return Malformed(f"it holds only what is not read: {kinds}")
    family = _family(parts, config)
    for one in unread:
        if one.get("from_name") == parts.control or (family is not None and family_of(one) == family):
            return Malformed(f"{_said(one)} is not read, and without it the label would not be complete")
    elsewhere = [one for one in others if _may_belong(one, family, config)]
    if elsewhere and not parts.is_named:
        names = ", ".join(sorted({quoted(one.get("from_name")) for one in elsewhere}))
        return Malformed(
            f"the label may be in {quoted(parts.control)} or in {names}, and one alone would not be complete; name one "
            "in the settings"
        )
    return tuple(_addition(one, config) for one in others)


def _family(parts: LabelParts, config: LabelConfig) -> str | None:
    if parts.own:
        return family_of(parts.own[0])
    control = config.controls.get(parts.control or "")
    if control is None:
        return None
    shown = {config.objects[name].tag for name in control.shows if name in config.objects}
    return family_of_tag("rectangle" if control.tag == "labels" and shown == {"image"} else control.tag)


def _may_belong(region: JsonFields, family: str | None, config: LabelConfig) -> bool:
    """Return whether a region of another control marks the same sort of thing as the label."""
    kind, is_about_region = type_of(region), config.is_per_region(region.get("from_name"))
    return family is not None and kind in REGIONS and family_of(region) == family and not is_about_region


def _addition(region: JsonFields, config: LabelConfig) -> UnreadPart:
    kind, is_about_region = type_of(region), config.is_per_region(region.get("from_name"))
    is_other = kind in READ and not is_about_region
    said = f"{_said(region)} about a region" if is_about_region else _said(region)
    return UnreadPart(kind or _UNTYPED, said, quiet=kind in REMARKS or is_other)


def _said(region: JsonFields) -> str:
    name = region.get("from_name")
    kind = quoted(type_of(region) or _UNTYPED)
    return f"{kind} of {quoted(name)}" if isinstance(name, str) else kind
