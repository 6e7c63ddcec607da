"""Inference with a trained consistency model: probabilities from texts and features.

Needs onnxruntime only; training is in `trainer` and needs the extra `assay[train]`.
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
"""Rows times tokens times classes of one run: small enough for the processor's cache."""

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
    """The file contains no usable model; the message is the reason in plain words."""


class _FileMetadata(BaseModel):
    """The model's description in the file's metadata."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    format: Literal[1]
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    thresholds: tuple[Annotated[float, Field(ge=0, le=1)], ...]
    uses_text: bool
    feature_count: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _consistent(self) -> "_FileMetadata":
        if len(self.thresholds) != len(self.labels) or len(set(self.labels)) != len(self.labels):
            raise ValueError("each label needs one threshold, and labels must be unique")
        return self


@dataclass(frozen=True, slots=True)
class OnnxScorer:
    """A loaded model. A label with a probability below its threshold (same position as in `labels`) is flagged."""

    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    uses_text: bool
    feature_count: int
    session: ort.InferenceSession

    def can_judge(self, text: str | None, features: Sequence[float] | None) -> bool:
        """Return whether the item has any input of the model; without, the prediction is only the average."""
        return (self.uses_text and bool(text)) or (features is not None and 0 < len(features) == self.feature_count)

    def probabilities(
        self, texts: Sequence[str | None], features: Sequence[Sequence[float] | None]
    ) -> NDArray[np.float64]:
        """Return the probability of each class for each item: shape (items, classes), rows sum to 1.

        Texts need not be normalised. A missing text counts as empty; a feature vector that is None or not
        `feature_count` long counts as missing. Rows are independent of each other up to 1e-12. Raises ValueError if
        texts and features differ in number, and ModelUnusable if the model fails although it passed the trial when it
        was loaded.
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
            probabilities = np.asarray(self.session.run(["probabilities"], inputs)[0], dtype=np.float64)
        except (*_ORT_ERRORS, ValueError) as error:  # ValueError: a missing input or a text output
            raise ModelUnusable(
                "the model does not take or return the tensors that its description promises"
            ) from error
        if probabilities.shape != (len(words), len(self.labels)):
            raise ModelUnusable("the model does not return one probability per label and item")
        return probabilities


def _runs(words: Sequence[str], *, classes: int) -> Iterator[list[int]]:
    """Yield the rows of each run, grouped by length of text, because all texts are padded to the longest."""
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
    """Return the model in the file. Raises ModelUnusable if it is missing, damaged, or not made by Assay."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelUnusable(f"cannot read {path}: {error.strerror}") from error
    return scorer_of(content)


def scorer_of(content: bytes) -> OnnxScorer:
    """Return the model in these bytes, after a trial run. Raises ModelUnusable if they contain no usable model."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a worker has one core
    options.log_severity_level = 4  # errors are reported by the exception
    try:
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except _ORT_ERRORS as error:
        raise ModelUnusable("the file is not an ONNX model that this onnxruntime can run") from error
    metadata = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if metadata is None:
        raise ModelUnusable("the file is an ONNX model, but not one that `assay train` made")
    try:
        facts = _FileMetadata.model_validate_json(metadata)
    except ValidationError as error:
        raise ModelUnusable(
            "the file's description of the model is damaged or has another version; train the model again"
        ) from error
    scorer = OnnxScorer(facts.labels, facts.thresholds, facts.uses_text, facts.feature_count, session)
    _try_out(scorer)
    return scorer


def _try_out(scorer: OnnxScorer) -> None:
    """Score one empty item and one with text and features."""
    tried = scorer.probabilities(["", "a b"], [None, (0.0,) * scorer.feature_count])
    if not np.allclose(tried.sum(axis=1), 1) or tried.min() < 0:
        raise ModelUnusable("the model does not return probabilities")
