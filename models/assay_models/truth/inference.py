"""Truth inference over all annotations at once, for notebooks and scripts."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

from assay_models.truth.categorical.label_adapter import LabelAdapter
from assay_models.truth.factory import make_truth
from assay_models.truth.truth_model import Accuracy, GivenLabel, ItemFacts, ItemJudgement, TruthModel
from assay_schemas.annotation import AnnotatorId, Label
from assay_schemas.contract.label_contract import LabelContract

MOST_ROUNDS = 100
_CONVERGED = 1e-4
_RELEARNINGS = 2


class InferredTruth(NamedTuple):
    """The most probable label of each item with its probabilities, and the accuracy of each annotator."""

    items: Mapping[Any, ItemJudgement]
    annotators: Mapping[str, Accuracy]


def infer_truth(
    annotations: Iterable[tuple[Hashable, str, Label]],
    *,
    contract: LabelContract | None = None,
    gold: Mapping[Any, Label] | None = None,
    most_rounds: int = MOST_ROUNDS,
) -> InferredTruth:
    """Infer labels and accuracies from (item, annotator, label) triples; of repeated pairs the last counts.

    `contract` defines the kind of label; without one, labels are categories named by their texts. `gold` maps items to
    their known labels. The model is the one of the running service, swept until no posterior moves by more than 0.0001
    (at most `most_rounds` rounds).
    """
    labels: defaultdict[Any, dict[AnnotatorId, GivenLabel]] = defaultdict(dict)
    for item, annotator, label in annotations:
        labels[item][AnnotatorId(annotator)] = GivenLabel(label)
    known = gold or {}
    truth = _categories(labels, known) if contract is None else make_truth(contract)
    for item, given in labels.items():
        truth.put(item, ItemFacts(given, known.get(item)))
    truth.settle()
    _converge(truth, len(labels), most_rounds)
    for item, given in labels.items():
        truth.put(item, ItemFacts(given, known.get(item)))
    items = truth.settle()
    names = sorted({annotator for given in labels.values() for annotator in given})
    accuracies = {name: truth.accuracy(name) for name in names}
    return InferredTruth(items, {name: found for name, found in accuracies.items() if found is not None})


def _converge(truth: TruthModel, items: int, most_rounds: int) -> None:
    for _ in range(_RELEARNINGS):
        truth.relearn()
        for _ in range(most_rounds):
            truth.sweep(items)
            if truth.unrest < _CONVERGED:
                break


def _categories(labels: Mapping[Any, Mapping[AnnotatorId, GivenLabel]], known: Mapping[Any, Label]) -> TruthModel:
    """Return a truth model of the categories that were given."""
    given = {str(one.label) for of_item in labels.values() for one in of_item.values()}
    return LabelAdapter(sorted(given | {str(label) for label in known.values()}) or ["-"])
