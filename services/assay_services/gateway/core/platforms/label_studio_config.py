"""What a Label Studio label config says: which controls there are, and which field of the task each one shows."""

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
    """The config declares a document type, with which XML can be made to explode."""


@dataclass(frozen=True, slots=True)
class LabelControl:
    """A tag that people label with. `multiple`: several values may be chosen. `shows`: names of object tags."""

    name: str
    tag: str
    shows: tuple[str, ...]
    multiple: bool
    per_region: bool

    @property
    def labels(self) -> bool:
        """Tell whether its result can be an item's label."""
        return self.tag in _LABELLING and not self.per_region

    @property
    def remarks(self) -> bool:
        """Tell whether it is rather a remark beside a label, where there is another control."""
        return self.tag in _REMARKS


@dataclass(frozen=True, slots=True)
class ObjectTag:
    """A tag that shows a field of the task: `field` is `text` for `value="$text"`."""

    tag: str
    field: str
    is_address: bool


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """The controls and the objects by name, in the config's order. Both empty where the config is not known."""

    controls: Mapping[str, LabelControl] = field(default_factory=dict)
    objects: Mapping[str, ObjectTag] = field(default_factory=dict)


NO_CONFIG = LabelConfig()


def read_label_config(source: object) -> LabelConfig:
    """Read a label config; what cannot be read is as good as not known."""
    if not isinstance(source, str) or len(source) > _NO_CONFIG_IS_LONGER:
        return NO_CONFIG
    return _read(source)


@lru_cache(maxsize=32)
def _read(source: str) -> LabelConfig:
    controls: dict[str, LabelControl] = {}
    objects: dict[str, ObjectTag] = {}

    def see(tag: str, attributes: dict[str, str]) -> None:
        name, value = attributes.get("name", ""), attributes.get("value", "")
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
        parser.Parse(source, True)  # noqa: FBT003  # expat's way to say that this is all
    except (xml.parsers.expat.ExpatError, _DoctypeRefusedError, ValueError):
        return NO_CONFIG
    return LabelConfig(MappingProxyType(controls), MappingProxyType(objects))


def _control(name: str, tag: str, attributes: Mapping[str, str]) -> LabelControl:
    several = attributes.get("choice") == "multiple"
    if tag == "taxonomy":
        several = attributes.get("maxUsages") != "1"
    shows = tuple(part.strip() for part in attributes["toName"].split(","))
    return LabelControl(name, tag, shows, several, attributes.get("perRegion") == "true")
