"""`--set NAME=VALUE`: what a person chooses for a platform, the same when decoding files and when connecting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_services.gateway.core.decode_result import Settings
from assay_services.gateway.core.platforms.field_mapping import FieldMapping
from assay_services.terminal import fail

OPTIONS = ("control", "item-field", "text-field", "annotator", "header", "attribute", "platform-project")
SET_HELP = f"NAME=VALUE, again for more. Names: {', '.join(OPTIONS)}."


@dataclass(frozen=True, slots=True)
class Options:
    """The values of each option that was given."""

    given: Mapping[str, Sequence[str]]

    def last(self, name: str) -> str | None:
        """Return the last value of an option that has one."""
        values = self.given.get(name, ())
        return values[-1] if values else None

    def settings(self, mapping: FieldMapping | None) -> Settings:
        """Return them as a decoder takes them."""
        return Settings(
            controls=tuple(self.given.get("control", ())),
            item_field=self.last("item-field"),
            text_field=self.last("text-field"),
            attributes=tuple(self.given.get("attribute", ())) or None,
            annotator=self.last("annotator"),
            mapping=mapping,
        )

    def stored(self) -> dict[str, Any]:
        """Return them as a connection keeps them."""
        return {
            "controls": list(self.given.get("control", ())),
            "item_field": self.last("item-field"),
            "text_field": self.last("text-field"),
            "attributes": list(self.given.get("attribute", ())) or None,
            "annotator": self.last("annotator"),
            "header": self.last("header"),
        }


def read_options(written: Sequence[str]) -> Options:
    """Read `NAME=VALUE` pairs; end the command where one is none."""
    found: dict[str, list[str]] = {}
    for option in written:
        name, separator, value = option.partition("=")
        if name not in OPTIONS or not separator:
            fail(f"--set takes NAME=VALUE, and NAME is one of: {', '.join(OPTIONS)}")
        found.setdefault(name, []).append(value)
    return Options(found)
