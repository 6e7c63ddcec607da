"""Read a mapping from its YAML file, and report problems by file, line and field."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from assay_services.gateway.core.platforms.field_mapping import FieldMapping, ItemMapping, SignatureMapping
from assay_services.ingest.contract_files.yaml_file import YamlFile, YamlPath

_PARTS: dict[str | int, type[BaseModel]] = {"item": ItemMapping, "signature": SignatureMapping}


def load_mapping(path: Path) -> FieldMapping:
    """Read and check a mapping. Raise YamlFileError with all problems."""
    file = YamlFile.read(path, wanted="a mapping has the fields annotation, item, annotator, label, …")
    return file.checked(FieldMapping, _names_near)


def _names_near(place: YamlPath) -> Sequence[str]:
    model = _PARTS.get(place[0], FieldMapping) if place else FieldMapping
    return sorted(model.model_fields)
