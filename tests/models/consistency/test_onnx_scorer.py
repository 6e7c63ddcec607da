import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from assay_models.consistency.label_score import score
from assay_models.consistency.onnx_scorer import ModelUnusable, load_scorer, scorer_of
from assay_schemas.annotation import Label
from tests.models.consistency.builders import LABELS, a_description, a_history, a_model, a_scorer

ROOT = Path(__file__).parents[3]
BOTH = a_history(features=True, missing_every=7)
MODEL = a_model(BOTH)
SCORER = scorer_of(MODEL.onnx)
TEXTS = [*(o.text for o in BOTH[::3]), "", None, "prize", "unknownword", "😀 שלום prize", "click " * 700]
FEATURES = [*(o.features for o in BOTH[::3]), None, None, (1.0, 2.0), (1e300, -1e300), None, None]


def test_a_file_is_all_that_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(MODEL.onnx)

    scorer = load_scorer(path)

    assert scorer.labels == LABELS
    assert scorer.thresholds == tuple(each.threshold for each in MODEL.card.classes)
    assert (scorer.uses_text, scorer.feature_count) == (True, 2)


def test_scoring_needs_nothing_that_only_training_needs() -> None:
    program = """
import sys
import assay_models.consistency.onnx_scorer
sys.exit(" ".join({"onnx", "scipy", "sklearn"} & set(sys.modules)) or 0)
"""

    command = [sys.executable, "-c", program]
    finished = subprocess.run(  # a program of our own
        command, check=False, capture_output=True, text=True, cwd=ROOT
    )

    assert (finished.returncode, finished.stderr) == (0, "")


def test_every_row_is_a_distribution() -> None:
    probabilities = SCORER.probabilities(TEXTS, FEATURES)

    assert probabilities.shape == (len(TEXTS), 3)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert probabilities.min() >= 0


def test_the_answer_does_not_depend_on_the_batch() -> None:
    together = SCORER.probabilities(TEXTS, FEATURES)

    alone = np.vstack([SCORER.probabilities([t], [f]) for t, f in zip(TEXTS, FEATURES, strict=True)])
    backwards = SCORER.probabilities(TEXTS[::-1], FEATURES[::-1])[::-1]

    assert np.abs(together - alone).max() < 1e-12
    assert np.abs(together - backwards).max() < 1e-12


def test_a_batch_larger_than_a_run_keeps_its_order() -> None:
    texts = ["prize click bank " * (1 + n % 60) if n % 2 else "thanks kind" for n in range(1500)]

    probabilities = SCORER.probabilities(texts, [None] * 1500)

    assert probabilities[1::2, 1].min() > probabilities[::2, 1].max()


def test_no_items_get_no_rows() -> None:
    assert SCORER.probabilities([], []).shape == (0, 3)


def test_renamed_labels_permute_the_output() -> None:
    renamed = {"safe": "z", "scam": "y", "spam": "x"}
    history = [type(o)(o.item, o.text, o.features, renamed[o.label]) for o in BOTH]

    other = a_scorer(history, labels=["x", "y", "z"])

    assert other.labels == ("x", "y", "z")
    assert other.probabilities(TEXTS, FEATURES)[:, ::-1] == pytest.approx(
        SCORER.probabilities(TEXTS, FEATURES), abs=2e-3
    )


def test_a_missing_text_is_an_empty_one() -> None:
    assert (SCORER.probabilities([None], [(1, 2)]) == SCORER.probabilities([" .,"], [(1, 2)])).all()


def test_a_vector_of_another_length_is_a_missing_one() -> None:
    rows = SCORER.probabilities(["prize"] * 3, [None, (1.0,), (1.0, 2.0, 3.0)])

    assert (rows == rows[0]).all()


def test_texts_and_features_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="2 texts and 1 feature vectors"):
        SCORER.probabilities(["a", "b"], [None])


def test_a_model_of_features_needs_no_texts() -> None:
    scorer = a_scorer(a_history(texts=False, features=True))

    probabilities = scorer.probabilities([None, "prize"], [(0.0, 0.0), (2.0, 200.0)])

    assert not scorer.uses_text
    assert probabilities.argmax(axis=1).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("text", "features", "able"),
    [("hi", None, True), (None, (1.0, 2.0), True), ("", (1.0,), False), (None, None, False)],
)
def test_an_item_can_be_judged_if_it_has_what_the_model_looks_at(
    text: str | None,
    features: tuple[float, ...] | None,
    *,
    able: bool,
) -> None:
    assert SCORER.can_judge(text, features) is able


def test_features_mean_nothing_to_a_model_of_texts() -> None:
    assert not a_scorer().can_judge(None, ())


@given(st.lists(st.text(), max_size=5))
def test_any_text_can_be_judged(texts: list[str]) -> None:
    probabilities = SCORER.probabilities(texts, [None] * len(texts))

    assert np.isfinite(probabilities).all()


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="No such file"):
        load_scorer(tmp_path / "none.onnx")


@pytest.mark.parametrize("content", [b"", b"no model", MODEL.onnx[: len(MODEL.onnx) // 2]])
def test_a_broken_file_is_unusable(content: bytes) -> None:
    with pytest.raises(ModelUnusable):
        scorer_of(content)


def a_foreign_model(metadata: dict[str, str] | None = None, *, addend: float = 0.0, inputs: int = 3) -> bytes:
    """Return an ONNX model that adds `addend` to its features."""
    features = helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["N", inputs])
    output = helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, ["N", inputs])
    constant = helper.make_tensor("c", TensorProto.DOUBLE, [], [addend])
    graph = helper.make_graph(
        [helper.make_node("Add", ["features", "c"], ["probabilities"])], "g", [features], [output], [constant]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, metadata or {})
    return bytes(model.SerializeToString())


def test_a_foreign_model_is_unusable() -> None:
    with pytest.raises(ModelUnusable, match="not one that `assay train` made"):
        scorer_of(a_foreign_model())


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"labels": ["a", "b"]},
        {"labels": ["a", "a", "b"]},
        {"thresholds": [2, 0, 0]},
        {"labels": "abc"},
    ],
)
def test_a_damaged_description_is_unusable(changes: dict[str, object]) -> None:
    with pytest.raises(ModelUnusable, match="description"):
        scorer_of(a_foreign_model(a_description(**changes)))


@pytest.mark.parametrize("changes", [{"uses_text": True}, {"feature_count": 2}])
def test_a_model_that_takes_other_inputs_than_it_says_is_unusable(changes: dict[str, object]) -> None:
    with pytest.raises(ModelUnusable, match="does not take or return"):
        scorer_of(a_foreign_model(a_description(**changes)))


def test_a_model_with_another_number_of_classes_is_unusable() -> None:
    with pytest.raises(ModelUnusable, match="one probability per label"):
        scorer_of(a_foreign_model(a_description(labels=["a", "b"], thresholds=[0, 0])))


def test_a_model_that_fails_later_is_unusable_too() -> None:
    scorer = replace(SCORER, feature_count=3)

    with pytest.raises(ModelUnusable, match="does not take or return"):
        scorer.probabilities(["a"], [None])


def test_a_model_that_returns_no_probabilities_is_unusable() -> None:
    with pytest.raises(ModelUnusable, match="does not return probabilities"):
        scorer_of(a_foreign_model(a_description(), addend=0.7))


def test_a_score_says_how_probable_the_label_is_and_what_is_likelier() -> None:
    found = score([0.1234567, 0.7, 0.1765433], "a", labels=("a", "b", "c"), thresholds=(0.2, 0.0, 0.0))

    assert found is not None
    assert found._asdict() == {
        "label_probability": 0.123457,
        "predicted": "b",
        "predicted_probability": 0.7,
        "below_threshold": True,
    }


@pytest.mark.parametrize(
    ("threshold", "flag_below", "flagged"),
    [(0.3, None, False), (0.31, None, True), (0.9, 0.1, False), (0.0, 0.5, True), (0.9, 0.0, False)],
)
def test_the_contracts_threshold_stands_in_for_the_models(
    threshold: float, flag_below: float | None, *, flagged: bool
) -> None:
    found = score([0.3, 0.7], "a", labels=("a", "b"), thresholds=(threshold, 0.0), flag_below=flag_below)

    assert found is not None
    assert found.below_threshold is flagged


@pytest.mark.parametrize(("label", "predicted"), [(1, 2.5), (1.0, 2.5), ("1", "2.5")])
def test_the_prediction_is_of_the_labels_kind(label: Label, predicted: Label) -> None:
    found = score([0.3, 0.7], label, labels=("1", "2.5"), thresholds=(0.0, 0.0))

    assert found is not None
    assert found.predicted == predicted
    assert type(found.predicted) is type(predicted)


@pytest.mark.parametrize("label", ["d", 7, None, ["a"]])
def test_a_label_that_is_no_class_has_no_score(label: Label | None) -> None:
    assert score([0.5, 0.5], label, labels=("a", "b"), thresholds=(0, 0)) is None


@given(st.floats(0, 1))
def test_probabilities_are_rounded_to_six_decimals(probability: float) -> None:
    found = score([probability, 1 - probability], "a", labels=("a", "b"), thresholds=(0, 0))

    assert found is not None
    assert found.label_probability == round(found.label_probability, 6) == pytest.approx(probability, abs=5.1e-7)


def test_the_thresholds_flag_wrong_labels_more_than_right_ones() -> None:
    history = a_history(items=300, wrong_share=0.08)
    scorer = a_scorer(history)
    rows = scorer.probabilities([o.text for o in history], [None] * len(history)).tolist()
    scores = [
        score(row, o.label, labels=scorer.labels, thresholds=scorer.thresholds)
        for row, o in zip(rows, history, strict=True)
    ]
    wrong = [o.label != LABELS[int(o.item[1:]) % 3] for o in history]

    flagged = [each is not None and each.below_threshold for each in scores]

    right_flagged = sum(f and not w for f, w in zip(flagged, wrong, strict=True))
    assert sum(f and w for f, w in zip(flagged, wrong, strict=True)) > 0.5 * sum(wrong)
    assert right_flagged < 0.02 * len(history)
