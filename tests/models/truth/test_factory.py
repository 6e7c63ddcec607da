"""Truth of every kind of label: what all of them promise, and what is each one's own."""

import csv
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from assay_models.truth.factory import CategoricalTruth, make_truth
from assay_models.truth.multilabel.multilabel_truth import MultilabelTruth
from assay_models.truth.numeric.numeric_truth import NumericTruth
from assay_models.truth.regions.region_truth import RegionTruth
from assay_models.truth.truth_model import POOL, GivenLabel, ItemFacts, ItemJudgement, TruthModel
from assay_schemas.annotation import AnnotatorId, Box, Span
from assay_schemas.json_data import Json
from tests.support.builders import a_contract

LONG_SCALE = {"low": -100, "high": 100, "step": None}
KINDS: dict[str, dict[str, Any]] = {
    "categorical": {},
    "multilabel": {},
    "ordinal": LONG_SCALE,
    "pairwise": {},
    "spans": {},
    "boxes": {},
}


def a_truth(kind: str, **label: Json) -> TruthModel:
    return make_truth(a_contract(kind, label=KINDS[kind] | label))


def facts(known: Any = None, /, **labels: Any) -> ItemFacts:  # noqa: ANN401  # a label of any kind
    return ItemFacts({AnnotatorId(who): GivenLabel(label) for who, label in labels.items()}, known)


def span(start: int, end: int, label: str = "person") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def a_box(x: float, width: float = 10.0, label: str = "car") -> dict[str, Any]:
    return {"x": x, "y": 0.0, "width": width, "height": 10.0, "label": label}


RIGHT: dict[str, Callable[[int], Any]] = {
    "categorical": lambda n: ("safe", "adult", "scam")[n % 3],
    "multilabel": lambda n: (["safe"], ["adult", "scam"], [])[n % 3],
    "ordinal": lambda n: float(n * 37 % 120 - 75),
    "pairwise": lambda n: ("left", "right", "tie")[n % 3],
    "spans": lambda n: [span(n, n + 10)] if n % 3 else [],
    "boxes": lambda n: [a_box(float(n))] if n % 3 else [],
}
WRONG: dict[str, Any] = {
    "categorical": "scam",
    "multilabel": ["safe", "scam"],
    "ordinal": 90.0,
    "pairwise": "left",
    "spans": [span(500, 520, "place")],
    "boxes": [a_box(500.0, label="bike")],
}


def a_crowd(kind: str, *, items: int = 40, seed: int = 3) -> dict[int, ItemFacts]:
    """Return items labelled by four careful annotators and one who always says the same."""
    rng = random.Random(seed)
    found = {}
    for number in range(items):
        labels = {f"w{who}": RIGHT[kind](number) for who in range(4)}
        careless = rng.randrange(4)
        if rng.random() < 0.2:
            labels[f"w{careless}"] = WRONG[kind]
        found[number] = facts(**labels, spammer=WRONG[kind])
    return found


def fed(kind: str, crowd: Mapping[int, ItemFacts]) -> tuple[TruthModel, dict[Any, ItemJudgement]]:
    truth, said = a_truth(kind), dict[Any, ItemJudgement]()
    for item, known in crowd.items():
        truth.put(item, known)
    said.update(truth.settle())
    for _ in range(30):
        said.update(truth.sweep(len(crowd) * 3))
    truth.relearn()
    said.update(truth.sweep(len(crowd) * 3))
    return truth, said


def test_every_kind_has_its_truth() -> None:
    found = {kind: type(a_truth(kind)) for kind in KINDS}

    assert found == {
        "categorical": CategoricalTruth,
        "multilabel": MultilabelTruth,
        "ordinal": NumericTruth,
        "pairwise": CategoricalTruth,
        "spans": RegionTruth,
        "boxes": RegionTruth,
    }
    assert isinstance(make_truth(a_contract("ordinal")), CategoricalTruth)
    assert isinstance(make_truth(a_contract("ordinal", label={"high": 50})), NumericTruth)
    with pytest.raises(TypeError):
        NumericTruth(a_contract())
    with pytest.raises(TypeError):
        MultilabelTruth(a_contract())


@pytest.mark.parametrize("kind", KINDS)
def test_careful_annotators_are_believed_and_the_spammer_is_not(kind: str) -> None:
    truth, said = fed(kind, a_crowd(kind))

    hits = [_close(said[number].label, RIGHT[kind](number), kind) for number in range(40)]
    accuracies = {who: truth.accuracy(who) for who in ("w0", "w1", "w2", "w3", "spammer")}
    assert sum(hits) >= (34 if kind == "ordinal" else 38)
    assert truth.unrest < 0.05
    assert all(one is not None and 0 <= one.low <= one.value <= one.high <= 1 for one in accuracies.values())
    spammer, careful = accuracies["spammer"], accuracies["w0"]
    assert spammer is not None
    assert careful is not None
    assert spammer.value < careful.value
    assert truth.accuracy("nobody") is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_that_departs_from_the_rest_is_doubted(kind: str) -> None:
    _, said = fed(kind, a_crowd(kind))

    number = 4

    assert said[number].doubt(WRONG[kind]) > 0.8
    assert said[number].doubt(RIGHT[kind](number)) < 0.3
    assert 0 <= said[number].gain <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_stored_restores_the_same_answers(kind: str) -> None:
    crowd = a_crowd(kind)
    truth, said = fed(kind, crowd)
    people = (*(f"w{who}" for who in range(4)), "spammer", POOL)

    again = a_truth(kind)
    for who in people:
        again.load_closed(who, orjson.loads(orjson.dumps(truth.dump_closed(who))))
    for item, known in crowd.items():
        again.put(item, known, stored=orjson.loads(orjson.dumps(said[item].stored)))
    again.settle()

    truth.put("new", facts(w0=RIGHT[kind](4), spammer=WRONG[kind]))
    again.put("new", facts(w0=RIGHT[kind](4), spammer=WRONG[kind]))
    one, other = truth.settle()["new"], again.settle()["new"]
    assert _close(one.label, other.label, kind)
    assert one.probability == pytest.approx(other.probability, abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_item_keeps_what_it_taught_and_may_come_back(kind: str) -> None:
    crowd = a_crowd(kind)
    truth, said = fed(kind, crowd)
    before = truth.accuracy("spammer")

    for item in range(20):
        truth.close(item)
    truth.close("nobody knows it")
    closed = truth.accuracy("spammer")
    for item in range(20):
        truth.reopen(item, crowd[item], stored=orjson.loads(orjson.dumps(said[item].stored)))
    reopened = truth.accuracy("spammer")

    assert before is not None
    assert closed is not None
    assert reopened is not None
    assert closed.votes == before.votes == reopened.votes
    assert closed.value == pytest.approx(before.value, abs=0.01)
    assert reopened.value == pytest.approx(before.value, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_withdrawn_leaves_nothing_behind(kind: str) -> None:
    truth, _ = fed(kind, a_crowd(kind, items=10))

    for item in range(10):
        truth.remove(item)
    truth.put("i", facts(w0=RIGHT[kind](4)))
    truth.remove("i")
    truth.settle()

    found = truth.accuracy("spammer")
    assert found is None or found.votes == 0


@pytest.mark.parametrize("kind", KINDS)
def test_partitions_that_hear_of_each_other_know_what_one_would(kind: str) -> None:
    crowd = a_crowd(kind, items=60)
    parts = [fed(kind, {item: known for item, known in crowd.items() if item % 2 == half})[0] for half in range(2)]
    people = ("w0", "w1", "w2", "w3", "spammer", POOL)

    for one, other in (parts, parts[::-1]):
        for who in people:
            one.set_remote_counts(who, [orjson.loads(orjson.dumps(other.learned(who)))])

    whole, _ = fed(kind, crowd)
    for who in ("w0", "spammer"):
        expected, found = whole.accuracy(who), parts[0].accuracy(who)
        assert expected is not None
        assert found is not None
        assert found.votes == expected.votes
        assert found.value == pytest.approx(expected.value, abs=0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_a_known_label_settles_the_item_and_teaches(kind: str) -> None:
    truth = a_truth(kind)

    truth.put("i", facts(RIGHT[kind](4), w0=WRONG[kind], w1=RIGHT[kind](4)))
    said = truth.settle()["i"]

    assert _close(said.label, RIGHT[kind](4), kind)
    assert said.doubt(WRONG[kind]) > 0.9
    right, wrong = truth.accuracy("w1"), truth.accuracy("w0")
    assert right is not None
    assert wrong is not None
    assert right.value > wrong.value


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_arrival_does_not_matter(kind: str) -> None:
    crowd = a_crowd(kind, items=30)
    shuffled = dict(sorted(crowd.items(), key=lambda pair: pair[0] * 17 % 31))

    _, one = fed(kind, crowd)
    truth, other = fed(kind, {**shuffled, 3: facts(w0=WRONG[kind])})
    truth.put(3, crowd[3])
    other.update(truth.settle())
    for _ in range(30):
        other.update(truth.sweep(90))

    assert all(_close(one[item].label, other[item].label, kind) for item in crowd)


def test_a_multilabel_has_as_many_labels_as_the_contract_allows() -> None:
    truth = a_truth("multilabel", min_count=1, max_count=1)

    truth.put("many", facts(w0=["safe", "adult"], w1=["safe", "adult"]))
    truth.put("few", facts(w0=["scam"], w1=[], w2=[], w3=[]))
    said = truth.settle()

    assert len(said["many"].label) == len(said["few"].label) == 1


def test_a_label_nobody_gives_any_more_is_no_question() -> None:
    truth = a_truth("multilabel")
    truth.put("i", facts(w0=["safe"], w1=["safe", "scam"]))
    truth.settle()

    truth.put("i", facts(w0=["safe"], w1=["safe"]))

    assert list(truth.settle()["i"].probabilities) == ["safe"]


def test_new_labels_and_scales_are_taken_over() -> None:
    multilabel, numeric, marks = a_truth("multilabel"), a_truth("ordinal"), a_truth("spans")

    multilabel.adopt(a_contract("multilabel", label={"values": ["safe", "adult", "scam", "new"], "min_count": 2}))
    numeric.adopt(a_contract("ordinal", label={"low": 0, "high": 10, "step": None}))
    marks.adopt(a_contract("spans", label={"values": ["new"]}))
    multilabel.put("i", facts(w0=["new", "safe"]))
    numeric.put("i", facts(w0=50.0))
    marks.put("i", facts(w0=[span(1, 3, "new")]))

    assert multilabel.settle()["i"].label == ["new", "safe"]
    assert numeric.settle()["i"].label == 10
    assert marks.settle()["i"].label == [span(1, 3, "new")]


def test_marks_that_overlap_are_one_and_end_where_most_say() -> None:
    truth = a_truth("spans")

    truth.put("i", facts(w0=[span(0, 10)], w1=[span(0, 11)], w2=[span(1, 10, "place")], w3=[span(0, 10)]))
    said = truth.settle()["i"]

    assert said.label == [span(0, 10)]
    right: Any = [span(0, 10)]
    misnamed: Any = [span(0, 10, "place")]
    assert said.doubt(right) < said.doubt(misnamed)
    assert said.doubt([]) > 0.5
    assert said.doubt("no marks at all") > 0.5


def test_marks_may_be_models_or_plain_and_adjoin_without_being_one() -> None:
    truth = a_truth("boxes")
    drawn: Any = [Box(x=0.0, y=0.0, width=10.0, height=10.0, label="car")]

    truth.put("i", facts(w0=drawn, w1=[a_box(0.0), a_box(10.0)], w2=[a_box(0.0), a_box(10.0, width=0.0)]))
    said = truth.settle()["i"]

    assert a_box(0.0) in said.label
    spans = a_truth("spans")
    spans.put("i", facts(w0=[Span(start=1, end=5, label="person")]))
    assert spans.settle()["i"].label == [span(1, 5)]


def test_a_mark_that_was_missed_by_all_is_known_all_the_same() -> None:
    truth = a_truth("spans")

    truth.put("i", facts([span(5, 9)], w0=[], w1=[span(50, 60)]))
    said = truth.settle()["i"]

    assert said.label == [span(5, 9)]
    assert said.doubt([]) > 0.9


def test_two_marks_of_one_annotator_are_never_one() -> None:
    truth = a_truth("spans", overlap=True)

    truth.put("i", facts(w0=[span(0, 10), span(1, 11)], w1=[span(0, 10), span(1, 11)], w2=[span(0, 11)]))

    assert len(truth.settle()["i"].label) == 2


def test_a_wild_number_does_not_drag_the_truth() -> None:
    truth, _ = fed("ordinal", a_crowd("ordinal"))

    truth.put("i", facts(w0=10.0, w1=12.0, w2=11.0, spammer=90.0))
    said = truth.settle()["i"]

    assert said.label == pytest.approx(11, abs=7)  # their mean is 31
    assert said.doubt("no number") == 1


def test_a_long_scale_keeps_its_steps() -> None:
    truth = make_truth(a_contract("ordinal", label={"low": 0, "high": 100}))

    truth.put("i", facts(w0=10, w1=11, w2=11))

    assert truth.settle()["i"].label == 11


def test_a_left_handed_annotator_is_discounted() -> None:
    truth = a_truth("pairwise")
    for number in range(120):
        right = ("left", "right")[number % 2]
        truth.put(number, facts(w0=right, w1=right, w2=right, lefty="left"))
    truth.settle()

    truth.put("i", facts(w0="right", lefty="left"))

    assert truth.settle()["i"].label == "right"


def test_labels_go_by_name_and_not_by_place() -> None:
    truth, said = fed("categorical", a_crowd("categorical"))
    again = make_truth(a_contract(label={"values": ["scam", "new", "adult", "safe"]}))
    for who in ("w0", "w1", "w2", "w3", "spammer", POOL):
        again.load_closed(who, orjson.loads(orjson.dumps(truth.dump_closed(who))))
    for item, known in a_crowd("categorical").items():
        again.put(item, known, stored=said[item].stored)
    again.settle()

    again.put("i", facts(w0="new", w1="new", w2="new"))
    found = again.settle()["i"]

    assert found.label == "new"
    assert again.accuracy("spammer") is not None
    again.put("strange", facts(w0="not in the contract"))
    assert again.settle()["strange"].label is not None


def test_copied_prelabels_are_believed_as_far_as_they_have_proved_right() -> None:
    truth, lazy, new = a_truth("categorical"), AnnotatorId("lazy"), AnnotatorId("new")
    for number in range(150):
        right = ("safe", "adult")[number % 2]
        ballots = {AnnotatorId(f"w{who}"): GivenLabel(right) for who in range(3)}
        ballots[lazy] = GivenLabel("scam", copied=True) if number % 3 else GivenLabel(right)
        truth.put(number, ItemFacts(ballots))
    truth.settle()
    for _ in range(10):
        truth.sweep(200)

    truth.put("copied", ItemFacts({lazy: GivenLabel("scam", copied=True), new: GivenLabel("safe")}))
    truth.put("own", ItemFacts({lazy: GivenLabel("scam"), new: GivenLabel("safe")}))
    said = truth.settle()

    assert said["copied"].doubt("scam") > said["own"].doubt("scam")


def test_a_view_that_knows_some_labels_only_is_completed() -> None:
    truth, someone = a_truth("categorical"), AnnotatorId("w0")

    truth.put("i", ItemFacts({someone: GivenLabel("safe")}, None, {"safe": 0.7, "nobody": 0.1}))
    truth.put("j", ItemFacts({someone: GivenLabel("safe")}, None, {"safe": 0.5, "adult": 0.3, "scam": 0.2}))
    truth.put("k", ItemFacts({someone: GivenLabel("safe")}, None, {"nobody": 1.0}))

    assert set(truth.settle()) == {"i", "j", "k"}


def _close(one: Any, other: Any, kind: str) -> bool:  # noqa: ANN401  # labels of any kind
    if kind == "ordinal":
        return abs(float(one) - float(other)) < 15
    return bool(_plain(one) == _plain(other))


def _plain(label: Any) -> Any:  # noqa: ANN401  # labels of any kind
    return sorted(label, key=repr) if isinstance(label, Sequence) and not isinstance(label, str) else label


def test_a_number_that_is_swept_tells_when_it_moves() -> None:
    truth = a_truth("ordinal")
    for number in range(10):
        truth.put(number, facts(w0=float(number), w1=float(number), w2=float(number) + 40))
    truth.settle()

    truth.sweep(4)
    elsewhere = a_truth("ordinal")
    for number in range(300):
        elsewhere.put(number, facts(w0=number % 50, w1=number % 50, w2=float(number * 7 % 100)))
    elsewhere.settle()
    for who in ("w0", "w2"):
        truth.set_remote_counts(who, [orjson.loads(orjson.dumps(elsewhere.learned(who)))])
    moved = truth.sweep(100)
    truth.put("late", facts(w0=1.0))
    truth.sweep(1)
    truth.remove(9)
    truth.sweep(100)

    assert moved
    assert truth.unrest >= 0
    assert "late" in truth.settle()


def test_real_headlines_are_weighed_about_as_well_as_by_their_mean(real_data: Path) -> None:
    votes: dict[str, dict[str, float]] = {}
    folder = real_data / "affect_valence"
    for row in csv.DictReader((folder / "annotations.csv").read_text().splitlines()):
        votes.setdefault(row["item"], {})[row["annotator"]] = float(row["label"])
    gold = {
        row["item"]: float(row["gold"])
        for row in csv.DictReader((real_data / "affect_valence" / "gold.csv").read_text().splitlines())
    }
    truth = a_truth("ordinal")

    for item, numbers in votes.items():
        truth.put(item, facts(**numbers))
    said = dict(truth.settle())
    for _ in range(20):
        said.update(truth.sweep(200))

    found = [float(said[item].label) for item in gold]
    median = [statistics.median(votes[item].values()) for item in gold]
    true = list(gold.values())
    assert statistics.correlation(found, true) > 0.83
    assert statistics.correlation(found, true) > statistics.correlation(median, true) + 0.05
