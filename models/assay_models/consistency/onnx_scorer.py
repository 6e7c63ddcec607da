"""Ask a trained consistency model: texts and features in, probabilities and scores out.

Needs onnxruntime only; what trains a model is in `train` and the extra `assay[train]`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assay_models.consistency.text_normalisation import normalise

METADATA_KEY: Final = "assay"
FORMAT: Final = 1

MAX_ROWS: Final = 512
MAX_CELLS: Final = 16_384
"""Rows times tokens times classes of one run: small enough for the sums to stay in the processor's cache."""

_ORT_ERRORS: Final = (
    ort_errors.EPFail,
    ort_errors.EngineError,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
)


class ModelUnusable(Exception):
    """There is no usable model in this file; the message is the reason in plain words."""


class _FileMetadata(BaseModel):
    """What the file says of itself, in its metadata."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    format: Literal[1]
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    thresholds: tuple[Annotated[float, Field(ge=0, le=1)], ...]
    uses_text: bool
    feature_count: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _consistent(self) -> "_FileMetadata":
        if len(self.thresholds) != len(self.labels) or len(set(self.labels)) != len(self.labels):
            raise ValueError("each label needs one threshold, and no label may stand there twice")
        return self


@dataclass(frozen=True, slots=True)
class OnnxScorer:
    """A loaded model. `thresholds` go with `labels`: a label whose probability is below is flagged."""

    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    uses_text: bool
    feature_count: int
    session: ort.InferenceSession

    def can_judge(self, text: str | None, features: Sequence[float] | None) -> bool:
        """Say whether the item has anything that the model looks at; else its answer is only the average."""
        return (self.uses_text and bool(text)) or (features is not None and 0 < len(features) == self.feature_count)

    def probabilities(
        self, texts: Sequence[str | None], features: Sequence[Sequence[float] | None]
    ) -> NDArray[np.float64]:
        """Return the probability of each class for each item: shape (items, classes), rows sum to 1.

        Takes texts as they are; they are normalised here. A missing text counts as empty; a vector that is
        missing or not `feature_count` long counts as missing. A row does not depend on the others beyond
        1e-12. Raises ValueError if there are not as many features as texts, and ModelUnusable if the model,
        tried out when it was loaded, fails all the same.
        """
        if len(texts) != len(features):
            raise ValueError(f"{len(texts)} texts and {len(features)} feature vectors; there must be one each per item")
        result = np.empty((len(texts), len(self.labels)))
        words = [normalise(text) if text else "" for text in texts] if self.uses_text else [""] * len(texts)
        for rows in _runs(words, classes=len(self.labels)):
            result[rows] = self._run([words[row] for row in rows], [features[row] for row in rows])
        return result

    def _run(self, words: list[str], features: list[Sequence[float] | None]) -> NDArray[np.float64]:
        inputs: dict[str, NDArray[np.object_] | NDArray[np.float64]] = {}
        if self.uses_text:
            inputs["text"] = np.array(words, dtype=object)
        if self.feature_count:
            unknown = (np.nan,) * self.feature_count
            given = (unknown if v is None or len(v) != self.feature_count else v for v in features)
            inputs["features"] = np.array(list(given), dtype=np.float64)
        try:
            found = np.asarray(self.session.run(["probabilities"], inputs)[0], dtype=np.float64)
        except (*_ORT_ERRORS, ValueError) as error:  # ValueError: an input it lacks, an output of text
            raise ModelUnusable("the model does not take or return what its description says") from error
        if found.shape != (len(words), len(self.labels)):
            raise ModelUnusable("the model does not return one probability per label and item")
        return found


def _runs(words: Sequence[str], *, classes: int) -> Iterator[list[int]]:
    """Yield the rows of each run: texts of like length together, since all are padded to the longest."""
    lengths = [text.count(" ") + 1 for text in words]
    run: list[int] = []
    for row in sorted(range(len(words)), key=lengths.__getitem__):
        if run and (len(run) == MAX_ROWS or (len(run) + 1) * lengths[row] * classes > MAX_CELLS):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def load_scorer(path: Path) -> OnnxScorer:
    """Return the model in the file. Raises ModelUnusable if it is missing, broken, or not one of ours."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelUnusable(f"cannot read {path}: {error.strerror}") from error
    return scorer_of(content)


def scorer_of(content: bytes) -> OnnxScorer:
    """Return the model in these bytes, after one trial. Raises ModelUnusable if they hold none of ours."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a worker has one core
    options.log_severity_level = 4  # what is wrong is said by the exception
    try:
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except _ORT_ERRORS as error:
        raise ModelUnusable("the file is not an ONNX model that this onnxruntime can run") from error
    written = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if written is None:
        raise ModelUnusable("the file is an ONNX model, but not one that `assay train` made")
    try:
        facts = _FileMetadata.model_validate_json(written)
    except ValidationError as error:
        raise ModelUnusable(
            "the file's description of itself is damaged or of another version; train it anew"
        ) from error
    scorer = OnnxScorer(facts.labels, facts.thresholds, facts.uses_text, facts.feature_count, session)
    _try_out(scorer)
    return scorer


def _try_out(scorer: OnnxScorer) -> None:
    """Score an item with nothing in it, and one with something."""
    tried = scorer.probabilities(["", "a b"], [None, (0.0,) * scorer.feature_count])
    if not np.allclose(tried.sum(axis=1), 1) or tried.min() < 0:
        raise ModelUnusable("the model does not return probabilities")
