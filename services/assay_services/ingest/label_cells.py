"""Read the label in a cell, by the kind of label that the contract has."""

import ast
from collections.abc import Callable

import orjson

from assay_schemas.contract.label_contract import LabelContract
from assay_schemas.json_data import Json
from assay_services.ingest.number_text import NumberUnclearError, read_number

LabelReader = Callable[[object], Json]
"""A function from a cell's content to a label: text, or the value that a typed file has. None is a missing label."""


def label_reader(contract: LabelContract | None, *, decimal_comma: bool = False) -> LabelReader:
    """Return how to read a label. A blank cell is a missing label; `[]` says that nothing applies.

    What cannot be read stays as it is, and the rules reject it with a reason.
    """
    kind = "categorical" if contract is None else contract.label.kind

    def ordinal(cell: object) -> Json:
        if not isinstance(cell, str):
            return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
        try:
            return read_number(cell, decimal_comma=decimal_comma) if cell.strip() else None
        except NumberUnclearError:
            return cell

    readers: dict[str, LabelReader] = {"ordinal": ordinal, "multilabel": _several, "spans": _parts, "boxes": _parts}
    return readers.get(kind, _word)


def _word(cell: object) -> Json:
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell if cell is None or isinstance(cell, list | dict) else label_text(cell)


def _several(cell: object) -> Json:
    if isinstance(cell, list):
        return [_word(part) for part in cell]
    if not isinstance(cell, str):
        return cell
    if cell.startswith("["):
        return _listed(cell)
    return [part for part in cell.split("|") if part] or None


def _parts(cell: object) -> Json:
    if not isinstance(cell, str):
        return cell
    return _parsed(cell) if cell.strip() else None


def _listed(text: str) -> Json:
    """Return a list that is written as JSON, or as Python writes a list of texts (pandas does in CSV)."""
    found = _parsed(text)
    if isinstance(found, str) and text.startswith(("['", '["')):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
        return found if isinstance(found, list) and all(isinstance(part, str) for part in found) else text
    return found


def _parsed(text: str) -> Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def label_text(cell: object) -> str:
    """Return a cell as text: what makes a row's id, and the label where a word is wanted."""
    if isinstance(cell, str):
        return cell
    return orjson.dumps(cell).decode() if isinstance(cell, list | dict) else str(cell)
