"""What those who watch conduct are told: each annotation beside what the others say."""

from typing import Any

from assay_schemas.judged_item import JudgedItem
from assay_services.consensus.core.events import plurality
from assay_services.engine.core.state import PartitionState
from tests.services.consensus.records import Fed, a_crowd, a_validated
from tests.support.builders import LABELS, a_contract


def told(fed: Fed) -> list[dict[str, Any]]:
    found = fed.values("items.judged")
    for one in found:
        JudgedItem.model_validate(one)
    return found


def votes(fed: Fed, *labels: Any, item: str = "i1", **rest: Any) -> None:  # noqa: ANN401  # labels of any kind
    for number, label in enumerate(labels):
        fed.hear(a_validated(item=item, annotator=f"w{number}", label=label, **rest))


def test_an_item_is_told_when_it_has_its_annotations_and_each_beside_what_the_others_say() -> None:
    fed = Fed(a_contract(redundancy=3))

    votes(fed, "safe", "safe", "scam")

    (item,) = told(fed)
    by = {one["annotator"]: one for one in item["annotations"]}
    assert all(one["fresh"] for one in by.values())
    assert by["w2"]["label"] == "scam"
    assert by["w2"]["consensus"] == "safe"
    assert by["w2"]["consensus_probability"] > 0.6
    assert by["w0"]["consensus_probability"] < by["w2"]["consensus_probability"]


def test_an_item_without_all_its_annotations_is_not_told() -> None:
    fed = Fed(a_contract(redundancy=3))

    votes(fed, "safe", "safe")

    assert told(fed) == []


def test_where_nobody_watches_nobody_is_told() -> None:
    fed = Fed(a_contract(redundancy=2), watched=False)

    votes(fed, "safe", "safe")

    assert told(fed) == []
    assert fed.newest()["votes"] == 2


def test_a_later_annotation_is_told_for_itself() -> None:
    fed = Fed(a_contract(redundancy=2))
    votes(fed, "safe", "safe")

    votes(fed, "safe", "safe", "scam")

    assert [one["annotator"] for one in told(fed)[-1]["annotations"] if one["fresh"]] == ["w2"]
    assert len(told(fed)[-1]["annotations"]) == 3


def test_with_fewer_than_two_others_there_is_no_consensus_to_compare_with() -> None:
    fed = Fed(a_contract(redundancy=1))

    votes(fed, "safe")

    (item,) = told(fed)
    assert item["annotations"][0]["consensus"] is None


def test_an_adjudicators_word_is_gold_and_has_everybody_told_anew() -> None:
    fed = Fed(a_contract(redundancy=2))
    votes(fed, "safe", "safe")

    fed.hear(a_validated(item="i1", annotator="chief", kind="adjudicator", label="scam"))

    last = told(fed)[-1]
    assert last["gold"] == "scam"
    assert [one["fresh"] for one in last["annotations"]] == [True, True]


def test_what_was_told_is_not_told_again_after_a_restart() -> None:
    fed = Fed(a_contract(redundancy=2))
    votes(fed, "safe", "safe")
    state = PartitionState()
    for key, value in fed.state.items().items():
        state.load(key, value)
    restarted = Fed(a_contract(redundancy=2), pool=fed.pool, state=state)

    restarted.hear(a_validated(item="i1", annotator="w2", label="safe"))

    assert [one["fresh"] for one in told(restarted)[0]["annotations"]] == [False, False, True]


def test_of_kinds_without_a_vocabulary_the_others_plurality_is_told() -> None:
    fed = Fed(a_contract(label=LABELS["multilabel"], redundancy=3))

    votes(fed, ["safe"], ["safe"], ["safe", "scam"])

    by = {one["annotator"]: one for one in told(fed)[0]["annotations"]}
    assert (by["w2"]["consensus"], by["w2"]["consensus_probability"]) == (["safe"], 1.0)
    assert by["w0"]["consensus_probability"] == 0.5


def test_of_labels_said_equally_often_the_first_by_its_text_is_taken() -> None:
    assert plurality(["b", "a"]) == ("a", 0.5)
    assert plurality([["b"], ["a", "b"], ["a", "b"]]) == (["a", "b"], 0.666667)


def test_what_is_told_names_lead_times_and_lengths() -> None:
    fed = Fed(a_contract(redundancy=1))

    fed.hear(*a_crowd(items=1, annotators=3))

    item = told(fed)[0]
    assert item["text_length"] > 0
    assert item["annotations"][0]["lead_time_seconds"] is not None
    assert item["annotations"][0]["occurred_at"].endswith("Z")
