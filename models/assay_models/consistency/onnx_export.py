"""The ONNX file: the trained model as one graph of standard operators."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

from assay_models.consistency.text_features import Vocabulary

_OPSETS = (("", 20), ("ai.onnx.ml", 4))
_IR_VERSION = 10
_END = 2**62


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """A linear model with the temperature already applied. K is the number of classes, F of features.

    `terms` has the shape (words + pairs, K) and `rarity` (words + pairs,). A feature is standardised with `mean` and
    `deviation` (F,), clipped to ±`clip`, and multiplied by `features` (F, K); where it is missing, `missing` (F, K) is
    added instead. `bias` has the shape (K,).
    """

    vocabulary: Vocabulary
    terms: NDArray[np.float64]
    rarity: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    clip: float
    features: NDArray[np.float64]
    missing: NDArray[np.float64]
    bias: NDArray[np.float64]


@dataclass(slots=True)
class _Draft:
    """A graph under construction."""

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    inputs: list[ValueInfoProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, to: str, **attributes: Any) -> str:  # noqa: ANN401  # as in onnx
        self.nodes.append(helper.make_node(operator, list(inputs), [to], **attributes))
        return to

    def constant(self, name: str, values: ArrayLike, dtype: type = np.float64) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name


def build_graph(weights: ModelWeights, *, metadata: dict[str, str]) -> bytes:
    """Return the ONNX file.

    Inputs: `text` (strings, normalised, (N,)) if the vocabulary has words, and `features` (double, (N, F), NaN where
    missing) if F > 0. Output: `probabilities` (double, (N, K)). All sums are in double precision: padding to the
    longest text of a batch changes their order, but the results by less than 1e-12.
    """
    draft = _Draft()
    logits = draft.constant("bias", weights.bias)
    if weights.vocabulary.words:
        logits = draft.add("Add", logits, _text_logits(draft, weights), to="with_text")
    if len(weights.mean):
        logits = draft.add("Add", logits, _feature_logits(draft, weights), to="with_features")
    draft.add("Softmax", logits, to="probabilities", axis=-1)
    output = helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, ["N", len(weights.bias)])
    graph = helper.make_graph(draft.nodes, "consistency", draft.inputs, [output], draft.constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS]
    model: ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="assay")
    helper.set_model_props(model, metadata)
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _text_logits(draft: _Draft, weights: ModelWeights) -> str:
    """Add the logits of the text: the sum of a row of weights per known term, divided by the text's length.

    The length is the root of the sum of the last column.
    """
    draft.inputs.append(helper.make_tensor_value_info("text", TensorProto.STRING, ["N"]))
    columns = np.column_stack([weights.terms * weights.rarity[:, None], weights.rarity**2])
    table = draft.constant("table", np.vstack([np.zeros(columns.shape[1]), columns]))  # row 0: an unknown term
    rows = draft.add("Gather", table, _term_rows(draft, weights.vocabulary), to="rows")
    total = draft.add("ReduceSum", rows, draft.constant("tokens_axis", [1], np.int64), to="total", keepdims=0)
    draft.constant("widths", [len(weights.bias), 1], np.int64)
    draft.nodes.append(helper.make_node("Split", [total, "widths"], ["weight", "square"], axis=1))
    floored = draft.add("Max", "square", draft.constant("one", [1.0]), to="floored")  # no known term: 0 / 1
    return draft.add("Div", "weight", draft.add("Sqrt", floored, to="length"), to="text_logits")


def _term_rows(draft: _Draft, vocabulary: Vocabulary) -> str:
    """Return the table rows of each text's words, then of its pairs: int64, (N, tokens + pairs).

    A pair is looked up by one number computed from its two words' numbers, without string operations.
    """
    count = len(vocabulary.words)
    number = {word: row for row, word in enumerate(vocabulary.words, 1)}
    draft.nodes.append(helper.make_node("StringSplit", ["text"], ["tokens", "token_counts"], delimiter=" "))
    words = _look_up(draft, "tokens", to="words", keys_strings=vocabulary.words, first_row=1)
    if not vocabulary.pairs:
        return words
    first, second = draft.constant("first", [0], np.int64), draft.constant("second", [1], np.int64)
    axis, last = draft.constant("axis", [1], np.int64), draft.constant("last", [-1], np.int64)
    left = draft.add("Slice", words, first, last, axis, to="left")
    right = draft.add("Slice", words, second, draft.constant("end", [_END], np.int64), axis, to="right")
    radix = draft.constant("radix", count + 1, np.int64)
    pair = draft.add("Add", draft.add("Mul", left, radix, to="shifted"), right, to="pair")
    keys = [number[a] * (count + 1) + number[b] for a, b in vocabulary.pairs]
    pairs = _look_up(draft, pair, to="pairs", keys_int64s=keys, first_row=count + 1)
    return draft.add("Concat", words, pairs, to="terms", axis=1)


def _look_up(draft: _Draft, name: str, *, to: str, first_row: int, **keys: Sequence[str] | Sequence[int]) -> str:
    (attribute, values), *_ = keys.items()
    rows = list(range(first_row, first_row + len(values)))
    options: dict[str, Any] = {attribute: list(values), "values_int64s": rows, "default_int64": 0}
    return draft.add("LabelEncoder", name, to=to, domain="ai.onnx.ml", **options)


def _feature_logits(draft: _Draft, weights: ModelWeights) -> str:
    draft.inputs.append(helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["N", len(weights.mean)]))
    missing = draft.add("IsNaN", "features", to="missing")
    centred = draft.add("Sub", "features", draft.constant("mean", weights.mean), to="centred")
    scaled = draft.add("Div", centred, draft.constant("deviation", weights.deviation), to="scaled")
    low, high = draft.constant("low", -weights.clip), draft.constant("high", weights.clip)
    clipped = draft.add("Clip", scaled, low, high, to="held")
    known = draft.add("Where", missing, draft.constant("zero", 0.0), clipped, to="known")
    absent = draft.add("Where", missing, draft.constant("unit", 1.0), "zero", to="absent")
    given = draft.add("MatMul", known, draft.constant("feature_weights", weights.features), to="given")
    lacking = draft.add("MatMul", absent, draft.constant("missing_weights", weights.missing), to="lacking")
    return draft.add("Add", given, lacking, to="feature_logits")
