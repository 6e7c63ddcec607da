"""Label Studio: tasks with their annotations (JSON), and the flat rows of JSON-MIN and CSV."""

from collections import Counter
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import quoteattr

from assay_services.gateway.core.decode_result import DecodeContext
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    fields,
    listing,
    number,
    parse,
    text_or_empty,
)
from assay_services.gateway.core.platforms.label_studio import decode_task
from assay_services.ingest.input_record import InputError
from assay_services.ingest.number_text import NumberUnclearError, read_number
from assay_services.ingest.platform_exports.export_context import ExportContext, Found

NAME = "Label Studio's export (JSON)"
ROWS_NAME = "Label Studio's export (JSON-MIN)"
ROW_FIELDS = frozenset({"annotation_id", "annotator", "created_at"})
_ABOUT_THE_ROW = ROW_FIELDS | {"id", "updated_at", "lead_time", "agreement", "inner_id", "total_annotations"}
_REMARKS = {"textarea", "datetime"}
_REGIONS = ("rectanglelabels", "polygonlabels", "hypertextlabels", "labels", "ellipselabels", "keypointlabels",
            "brushlabels")  # fmt: skip
_IMAGES = ("image", "img", "image_url")


def is_task(value: JsonFields) -> bool:
    """Return whether a value is a task with its annotations."""
    return isinstance(value.get("annotations"), list) and isinstance(value.get("data"), dict)


def is_row(value: JsonFields) -> bool:
    """Return whether a value is a row of JSON-MIN or CSV."""
    return value.keys() >= ROW_FIELDS


class LabelStudioTasks:
    """Reads tasks. The export has no label config, so the controls are learnt from the results."""

    def __init__(self, asked: DecodeContext, kind: str | None, notes: Counter[str]) -> None:
        """Read an export as asked; `kind` is the contract's kind of label, and `notes` is filled."""
        self._asked, self._kind, self._notes = asked, kind, notes
        self._controls: dict[str, tuple[str, str]] = {}

    def read(self, task: JsonFields) -> Iterator[Found]:
        """Yield an annotation, or a problem, for each annotation of a task."""
        annotations = [fields(one) for one in listing(task.get("annotations"))]
        for one in annotations:
            self._learn(one)
        project = {"id": task.get("project"), "label_config": self._config(task)}
        for one in annotations:
            found = decode_task({**task, "annotations": [one]}, project, self._asked)
            if found.annotations:
                yield from found.annotations
                self._notes.update(note.partition(": ")[2] for note in found.problems)
            else:
                yield Malformed("; ".join(found.problems) or "an annotation that is not read")
        if not annotations:
            self._notes["tasks without an annotation, which are no votes"] += 1

    def _learn(self, annotation: JsonFields) -> None:
        for region in map(fields, listing(annotation.get("result"))):
            name, kind = text_or_empty(region.get("from_name")), text_or_empty(region.get("type")).lower()
            if name and kind not in _REMARKS:
                self._controls.setdefault(name, (kind, text_or_empty(region.get("to_name"))))

    def _config(self, task: JsonFields) -> str | None:
        """Return a label config with the one control of the export; None if there are several to choose from."""
        if len(self._controls) != 1:
            return None
        (name, (kind, shows)), data = next(iter(self._controls.items())), fields(task.get("data"))
        texts = [key for key, value in data.items() if isinstance(value, str)]
        image = next((key for key in _IMAGES if key in texts), None)
        shown = image or ("text" if "text" in texts else texts[0] if len(texts) == 1 else None)
        several = ' choice="multiple"' if self._kind == "multilabel" else ""
        tag = "Text" if image is None else "Image"
        source = "" if shown is None else f"<{tag} name={quoteattr(shows)} value={quoteattr('$' + shown)}/>"
        return f"<View>{source}<{kind} name={quoteattr(name)} toName={quoteattr(shows)}{several}/></View>"


class LabelStudioRows:
    """Reads flat rows: each is one annotation, with the task's data and the label side by side."""

    def __init__(self, context: ExportContext) -> None:
        """Read an export in this context."""
        self._context = context
        self._tasks = LabelStudioTasks(context.asked(), context.kind, context.notes)
        self._label = context.options.label

    def read(self, row: JsonFields) -> Iterator[Found]:
        """Yield the annotation of a row, or a problem. Raise InputError if any of several fields may be the label."""
        row = {name: _opened(value) for name, value in row.items()}
        if self._label is None:
            self._label = self._label_field(row)
        if self._label not in row or row[self._label] in ("", None):
            row[self._label] = None
        data = {name: value for name, value in row.items() if name not in _ABOUT_THE_ROW and name != self._label}
        annotation = {
            "id": row.get("annotation_id"),
            "completed_by": row.get("annotator"),
            "created_at": row.get("created_at"),
            "updated_at": row.get("updated_at"),
            "lead_time": _seconds(row.get("lead_time")),
            "result": _result(row[self._label], self._label),
        }
        yield from self._tasks.read({"id": row.get("id"), "data": data, "annotations": [annotation]})

    def _label_field(self, row: JsonFields) -> str:
        candidates = [name for name in row if name not in _ABOUT_THE_ROW]
        contract = self._context.contract
        known = set(getattr(contract.label, "values", ()) if contract is not None else ())
        labels = [name for name in candidates if known and (words := _words(row[name])) and words <= known]
        labels = labels or (candidates if len(candidates) == 1 else [])
        if len(labels) != 1:
            raise InputError(
                f"{self._context.path}: which of {', '.join(candidates)} is the label? Say it with --label NAME"
            )
        return labels[0]


def _seconds(value: object) -> object:
    """Return a lead time; the cells of the CSV are texts."""
    try:
        return read_number(value) if isinstance(value, str) else value
    except NumberUnclearError:
        return None


def _opened(value: object) -> object:
    """Return what a cell of the CSV holds: JSON where it is written so, numbers for what is counted."""
    if not isinstance(value, str) or not value.startswith(("[", "{")):
        return value
    found = parse(value)
    return value if isinstance(found, Malformed) else found


def _words(value: object) -> set[str]:
    """Return the labels that a field names."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return _words(value.get("choices"))
    words: set[str] = set()
    for part in listing(value):
        words |= {part} if isinstance(part, str) else _words(_region_labels(fields(part))[1])
    return words


def _region_labels(region: JsonFields) -> tuple[str, object]:
    return next(((kind, region[kind]) for kind in _REGIONS if kind in region), ("labels", None))


def _result(value: object, name: str) -> object:
    """Return the `result` that a flat field was made of."""
    if value is None:
        return []
    regions = [fields(part) for part in listing(value)]
    if regions and all(regions):
        return [_part(name, _region_labels(one)[0], one) for one in regions]
    if isinstance(value, dict):
        return [_part(name, "choices", value)]
    if number(value) is not None:
        return [_part(name, "number", {"number": value})]
    return [_part(name, "choices", {"choices": value if isinstance(value, list) else [value]})]


def _part(name: str, kind: str, value: JsonFields) -> Mapping[str, object]:
    sizes = {key: value.get(key) for key in ("original_width", "original_height") if key in value}
    return {"from_name": name, "to_name": "shown", "type": kind, "value": value, **sizes}
