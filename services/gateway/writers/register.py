"""The platforms that can be written back to, by name."""

from collections.abc import Mapping
from typing import Protocol

from services.gateway.platforms import argilla, label_studio
from services.gateway.sources.source import Setting
from services.gateway.writers.argilla import ArgillaWriter
from services.gateway.writers.label_studio import LabelStudioWriter
from services.gateway.writers.news import Writer


class _Made(Protocol):
    def __call__(self, setting: Setting, /) -> Writer: ...


WRITERS: Mapping[str, _Made] = {label_studio.NAME: LabelStudioWriter, argilla.NAME: ArgillaWriter}
"""How to make the writer of each platform that can be written to."""
