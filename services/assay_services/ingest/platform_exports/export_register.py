"""The exports that Assay reads: how each is recognised, and what reads its values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from assay_services.gateway.core.platforms.coercion import JsonFields, Malformed, fields, kind_of
from assay_services.ingest.platform_exports import coco_dataset, label_studio_export, platform_rows, spacy_data
from assay_services.ingest.platform_exports.export_context import ExportContext, Found

ValueReader: TypeAlias = Callable[[JsonFields], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class JsonExport:
    """An export in JSON. `as_value` returns a JSON value as the export's own, or None if it is not one of them."""

    name: str
    as_value: Callable[[object], JsonFields | None]
    reader: Callable[[ExportContext], ValueReader]

    def read(self, value: object, reader: ValueReader) -> Iterator[Found]:
        """Yield what one JSON value holds."""
        own = self.as_value(value)
        if own is None:
            yield Malformed(f"{kind_of(value)} that is no row of {self.name}, as the first ones are")
        else:
            yield from reader(own)


def _if(test: Callable[[JsonFields], bool]) -> Callable[[object], JsonFields | None]:
    def as_value(value: object) -> JsonFields | None:
        return found if (found := fields(value)) and test(found) else None

    return as_value


def _by(read: Callable[[JsonFields, ExportContext], Iterator[Found]]) -> Callable[[ExportContext], ValueReader]:
    return lambda context: lambda value: read(value, context)


JSON_EXPORTS: Sequence[JsonExport] = (
    JsonExport(
        label_studio_export.NAME,
        _if(label_studio_export.is_task),
        lambda context: label_studio_export.LabelStudioTasks(context.asked(), context.kind, context.notes).read,
    ),
    JsonExport(
        label_studio_export.ROWS_NAME,
        _if(label_studio_export.is_row),
        lambda context: label_studio_export.LabelStudioRows(context).read,
    ),
    JsonExport("Labelbox's export (NDJSON)", _if(platform_rows.is_labelbox), _by(platform_rows.read_labelbox)),
    JsonExport("Argilla's records (JSON)", _if(platform_rows.is_argilla), _by(platform_rows.read_argilla)),
    JsonExport("Prodigy's dataset (JSONL)", _if(platform_rows.is_prodigy), _by(platform_rows.read_prodigy)),
    JsonExport("Ground Truth's manifest", _if(platform_rows.is_ground_truth), _by(platform_rows.read_ground_truth)),
    JsonExport(coco_dataset.NAME, _if(coco_dataset.is_coco), _by(coco_dataset.read_coco)),
    JsonExport("doccano's export (JSONL)", _if(platform_rows.is_doccano), _by(platform_rows.read_doccano)),
    JsonExport(spacy_data.NAME, spacy_data.as_spacy, _by(spacy_data.read_spacy)),
)
"""In the order in which they are tried: the most particular first."""


def export_of(values: Sequence[object]) -> JsonExport | None:
    """Return the export that the first values belong to; None if they are annotations, or nothing that is known."""
    for value in values:
        if fields(value).keys() >= {"item", "annotator", "project"}:
            return None
        found = next((one for one in JSON_EXPORTS if one.as_value(value) is not None), None)
        if found is not None:
            return found
    return None
