"""The labels under which a project's state was written: counts and posteriors of other labels are not read."""

from hashlib import blake2b
from typing import NamedTuple

import orjson

from assay_models.truth.label_form import truth_form
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract

LABELS_PREFIX = b"l:"


class LabelsStored(NamedTuple):
    """Whether stored posteriors (`same_labels`) and stored counts of annotators (`same_form`) can still be read."""

    same_labels: bool
    same_form: bool


class LabelsMark(NamedTuple):
    """A digest of a contract's labels, and the form of its truth model."""

    labels: str
    form: str


def labels_key(project: ProjectId) -> bytes:
    """Return the state key of a project's mark."""
    return LABELS_PREFIX + project.encode()


def labels_mark(contract: LabelContract) -> LabelsMark:
    """Return the mark of a contract."""
    said = orjson.dumps(contract.label.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return LabelsMark(blake2b(said, digest_size=8).hexdigest(), truth_form(contract))


def read_labels_mark(stored: bytes | None) -> LabelsMark | None:
    """Return a stored mark; None for state that was written before there were marks."""
    return None if stored is None else LabelsMark(*orjson.loads(stored)[1:])
