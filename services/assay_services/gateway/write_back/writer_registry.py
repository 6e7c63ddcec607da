"""The platforms that can be written back to, by name."""

from collections.abc import Mapping
from typing import Protocol

from assay_services.gateway.core.platforms import argilla, label_studio
from assay_services.gateway.reconcile.sources.source import Setting
from assay_services.gateway.write_back.argilla_writer import ArgillaWriter
from assay_services.gateway.write_back.label_studio_writer import LabelStudioWriter
from assay_services.gateway.write_back.writer import Writer


class _Made(Protocol):
    def __call__(self, setting: Setting, /) -> Writer: ...


WRITERS: Mapping[str, _Made] = {label_studio.NAME: LabelStudioWriter, argilla.NAME: ArgillaWriter}
"""How to make the writer of each platform that can be written to."""
