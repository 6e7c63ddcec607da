"""`--set NAME=VALUE`: options of a platform, the same for decoding files and for connecting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_schemas.annotation import AnnotatorId
from assay_services.gateway.core.decode_result import Settings
from assay_services.gateway.core.platforms.field_mapping import FieldMapping
from assay_services.terminal import fail

OPTIONS = ("control", "item-field", "text-field", "annotator", "header", "attribute", "platform-project")
SET_HELP = f"NAME=VALUE, again for more. Names: {', '.join(OPTIONS)}."


@dataclass(frozen=True, slots=True)
class Options:
    """The given values of each option."""

    given: Mapping[str, Sequence[str]]

    def last(self, name: str) -> str | None:
        """Return the last value of an option, or None if it was not given."""
        values = self.given.get(name, ())
        return values[-1] if values else None

    def settings(self, mapping: FieldMapping | None) -> Settings:
        """Return the options as settings of a decoder, with an optional field mapping."""
        annotator = self.last("annotator")
        return Settings(
            controls=tuple(self.given.get("control", ())),
            item_field=self.last("item-field"),
            text_field=self.last("text-field"),
            attributes=tuple(self.given.get("attribute", ())) or None,
            annotator=None if annotator is None else AnnotatorId(annotator),
            mapping=mapping,
        )

    def stored(self) -> dict[str, Any]:
        """Return the options as stored with a connection."""
        return {
            "controls": list(self.given.get("control", ())),
            "item_field": self.last("item-field"),
            "text_field": self.last("text-field"),
            "attributes": list(self.given.get("attribute", ())) or None,
            "annotator": self.last("annotator"),
            "header": self.last("header"),
        }


def read_options(written: Sequence[str]) -> Options:
    """Parse `NAME=VALUE` pairs; end the command with an error if one is malformed."""
    found: dict[str, list[str]] = {}
    for option in written:
        name, separator, value = option.partition("=")
        if name not in OPTIONS or not separator:
            fail(f"--set takes NAME=VALUE, and NAME is one of: {', '.join(OPTIONS)}")
        found.setdefault(name, []).append(value)
    return Options(found)
