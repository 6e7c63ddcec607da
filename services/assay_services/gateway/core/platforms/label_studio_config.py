"""Parse a Label Studio label config: its controls, and the task field that each one shows."""

import xml.parsers.expat  # entities and document types are refused below
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

_LABELLING = {
    "choices", "taxonomy", "rating", "number", "pairwise", "labels", "hypertextlabels", "rectanglelabels",
    "polygonlabels", "datetime", "textarea",
}  # fmt: skip
_REMARKS = {"textarea", "datetime"}
_NO_CONFIG_IS_LONGER = 500_000


class _DoctypeRefusedError(Exception):
    """The config declares a document type, which could be used for an XML bomb."""


@dataclass(frozen=True, slots=True)
class LabelControl:
    """A tag that annotators label with. `multiple`: several values may be chosen. `shows`: names of object tags."""

    name: str
    tag: str
    shows: tuple[str, ...]
    multiple: bool
    per_region: bool

    @property
    def labels(self) -> bool:
        """Return whether its result can be an item's label."""
        return self.tag in _LABELLING and not self.per_region

    @property
    def remarks(self) -> bool:
        """Return whether it is a remark beside the label, if another control exists."""
        return self.tag in _REMARKS


@dataclass(frozen=True, slots=True)
class ObjectTag:
    """A tag that shows a field of the task: `field` is `text` for `value="$text"`."""

    tag: str
    field: str
    is_address: bool


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """The controls and objects by name, in the config's order. Both are empty if the config is unknown."""

    controls: Mapping[str, LabelControl] = field(default_factory=dict)
    objects: Mapping[str, ObjectTag] = field(default_factory=dict)

    def is_per_region(self, name: object) -> bool:
        """Return whether a control is about single regions, and not about the item."""
        control = self.controls.get(name) if isinstance(name, str) else None
        return control is not None and control.per_region


NO_CONFIG = LabelConfig()


def read_label_config(source: object) -> LabelConfig:
    """Parse a label config; return an empty one if it cannot be parsed."""
    if not isinstance(source, str) or len(source) > _NO_CONFIG_IS_LONGER:
        return NO_CONFIG
    return _read(source)


@lru_cache(maxsize=32)
def _read(source: str) -> LabelConfig:
    controls: dict[str, LabelControl] = {}
    objects: dict[str, ObjectTag] = {}

    def see(tag: str, attributes: dict[str, str]) -> None:
        name, value = attributes.get("name", ""), attributes.get("value") or attributes.get("valueList", "")
        if "toName" in attributes:
            controls[name] = _control(name, tag.lower(), attributes)
        elif value.startswith("$"):
            objects[name] = ObjectTag(tag.lower(), value[1:], attributes.get("valueType") == "url")

    def refuse(*_: object) -> None:
        raise _DoctypeRefusedError

    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = see
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(source, True)  # noqa: FBT003  # expat's flag for the final chunk
    except (xml.parsers.expat.ExpatError, _DoctypeRefusedError, ValueError):
        return NO_CONFIG
    return LabelConfig(MappingProxyType(controls), MappingProxyType(objects))


def _control(name: str, tag: str, attributes: Mapping[str, str]) -> LabelControl:
    several = attributes.get("choice") == "multiple"
    if tag == "taxonomy":
        several = attributes.get("maxUsages") != "1"
    shows = tuple(part.strip() for part in attributes["toName"].split(","))
    return LabelControl(name, tag, shows, several, attributes.get("perRegion") == "true")
