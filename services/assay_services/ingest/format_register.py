"""The files that Assay reads, in words: `docs/supported-files.md` is made of this register."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SupportedFile:
    """One kind of file: what it is recognised by, what is read, what is kept as unreadable, what is refused."""

    name: str
    recognised_by: str
    read: str
    kept: str
    refused: str
    options: str = ""


_TABLE_OPTIONS = "`--timezone`, `--dates`"
_ASKED = "`--annotator`"
_NO_TIMES = "; the file's own time, because the format has none"

SUPPORTED_FILES: Sequence[SupportedFile] = (
    SupportedFile(
        "CSV",
        "a first line with the columns `item`, `annotator`, `label`; the delimiter (comma, semicolon, tab, pipe) is "
        "the one that divides them; a line `sep=;` may stand before",
        "columns `text`, `gold`, `occurred_at`, `lead_time_seconds`, `project`, `attr.NAME` as well; quotes, line ends "
        "inside quotes, decimal commas beside semicolons, cells of any length, rows with empty cells too many",
        "a row with too many or too few cells, a quote inside a quoted cell, bytes that are not UTF-8, an empty `item` "
        "or `annotator`, a number or a time that is none or may be two",
        "a quote that is never closed, a missing, unknown or repeated column, times without a zone, dates whose order "
        "is not said",
        f"{_TABLE_OPTIONS}, `--encoding`",
    ),
    SupportedFile("TSV", "as CSV, divided by tabs", "as CSV", "as CSV", "as CSV", f"{_TABLE_OPTIONS}, `--encoding`"),
    SupportedFile(
        "Excel",
        "a workbook (`.xlsx`, `.xls`), by its content",
        "the first sheet with the columns of a table, wherever its header stands; numbers, dates and texts by type",
        "as CSV",
        "a workbook that unpacks to more than 1 GiB, or is protected; times without a zone, which Excel's all are",
        _TABLE_OPTIONS,
    ),
    SupportedFile(
        "Parquet",
        "its first bytes",
        "the columns of a table by type: lists are multilabels, structs are JSON, dictionaries, decimals, dates, "
        "times, binary texts; ids that are whole floats (`12.0`) are read as `12`, with a note; leading zeros stay",
        "binary cells that are not UTF-8, empty `item` or `annotator`",
        "a damaged file, a missing or unknown column, times without a zone",
        _TABLE_OPTIONS,
    ),
    SupportedFile(
        "annotations in JSON Lines",
        "lines that begin with `{`, or a name such as `.jsonl`",
        "every line as it is; a byte order mark is taken away, envelopes of CloudEvents are opened",
        "every line that is no annotation; the validator says why",
        "a line of more than 64 MiB",
        f"{_TABLE_OPTIONS}, `--encoding`",
    ),
    SupportedFile(
        "annotations in a JSON array",
        "a first `[`",
        "each member, on one line; an array is read in pieces",
        "members that are no annotation",
        "a mistake in the array, with its line",
        f"{_TABLE_OPTIONS}, `--encoding`",
    ),
    SupportedFile(
        "annotations in JSON objects over several lines",
        "a first `{` that does not end on its line",
        "one object, or several one after the other",
        "objects that are no annotation",
        "a mistake in an object, with its line",
        f"{_TABLE_OPTIONS}, `--encoding`",
    ),
    SupportedFile(
        "Label Studio's export (JSON)",
        "tasks with `data` and `annotations`",
        "an annotation for each person, as the webhook gives it; skipped ones; an empty result is `[]` where the "
        "contract has lists",
        "an annotation that has several controls, or a region that is not read, with its whole task",
        "",
        "`--label CONTROL`",
    ),
    SupportedFile(
        "Label Studio's export (JSON-MIN)",
        "rows with `annotation_id`, `annotator`, `created_at`",
        "an annotation for each row; the label is the field that holds labels of the contract",
        "a row whose label cannot be read",
        "several fields that may be the label",
        "`--label FIELD`",
    ),
    SupportedFile(
        "Label Studio's export (CSV)",
        "the same columns",
        "as JSON-MIN",
        "as JSON-MIN",
        "as JSON-MIN",
        "`--label FIELD`",
    ),
    SupportedFile(
        "Labelbox's export (NDJSON)",
        "rows with `data_row` and `projects`",
        "an annotation for each label",
        "a label that holds what is not read, with its whole row",
        "",
        "`--label QUESTION`",
    ),
    SupportedFile(
        "Argilla's records (JSON)",
        "records with `fields` and `responses`",
        "an annotation for each person who responded",
        "an answer that is not read, with its record",
        "",
        "`--label QUESTION`",
    ),
    SupportedFile(
        "Prodigy's dataset (JSONL)",
        "`_task_hash` and `answer`",
        "accepted, rejected and ignored answers",
        "an answer that is not read",
        "no annotator in the answers",
        _ASKED,
    ),
    SupportedFile(
        "Ground Truth's manifest",
        "`source` or `source-ref`, and a field `…-metadata`",
        "an annotation for each label attribute; the annotator is the job",
        "a line that is not read",
        "",
        f"`--label ATTRIBUTE`, {_ASKED}",
    ),
    SupportedFile(
        "doccano's export (JSONL)",
        "`id`, `text` and a list `label` or `entities`",
        f"classes and spans{_NO_TIMES}; an empty list is no vote",
        "a row that is not read",
        "nobody is named in the rows",
        _ASKED,
    ),
    SupportedFile(
        "COCO",
        "an object with `images`, `annotations` and `categories`",
        f"the boxes of each image, in pixels{_NO_TIMES}; an image without a box is no vote",
        "an image with an annotation that has no box or no known category",
        "a file of more than 64 MiB",
        _ASKED,
    ),
    SupportedFile(
        "CVAT for images 1.1",
        "XML with `<annotations>`",
        "boxes, also turned ones, or tags of each image; the annotator is the assignee; an image without any is no "
        "vote",
        "an image with another shape, or with both boxes and tags: nothing of it is read",
        "other XML, document types, CVAT's export for video",
        _ASKED,
    ),
    SupportedFile(
        "CoNLL",
        "a token and a tag like `B-PER` or `O` on each line",
        f"an item for each sentence, its tokens joined by spaces; BIO, BIOES and IO tags as spans{_NO_TIMES}",
        "a sentence with a line that has no tag",
        "",
        f"{_ASKED}, `--encoding`",
    ),
    SupportedFile(
        "spaCy's data (JSON)",
        "`text` with `entities`, `spans` or `cats`",
        f"spans, or the classes with a share of at least 0.5{_NO_TIMES}",
        "an entity that is not `[start, end, label]`",
        "`.spacy` files, which need spaCy: the error says how to write them as JSON Lines",
        _ASKED,
    ),
)
"""In the order of the documentation; `name` is what `assay import` says that it recognised."""
