"""What the consensus keeps: restarts, closing and reopening, any order of arrival."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from assay_services.consensus.core.events import PartitionOrigin
from assay_services.consensus.core.item_state import load_item
from assay_services.engine.core.state import PartitionState
from tests.services.consensus.records import BEGAN_MS, DAY_MS, TELLER, ARecord, Fed, a_crowd, a_validated
from tests.support.builders import NOW, a_contract


def votes_in(state: PartitionState) -> dict[bytes, object]:
    """Return the votes of all items; when somebody was told of them depends on the batches."""
    items = {key: load_item(value) for key, value in state.values() if key.startswith(b"i:")}
    return {key: {who: vote._replace(judged=False) for who, vote in one.votes.items()} for key, one in items.items()}


def copied(state: PartitionState) -> PartitionState:
    again = PartitionState()
    for key, value in state.items().items():
        again.load(key, value)
    return again


def test_a_restarted_consensus_goes_on_as_if_nothing_had_been() -> None:
    fed = Fed()
    fed.hear(*a_crowd(items=60, annotators=4, wrong=(3,)))
    fed.rest()
    restarted = Fed(state=copied(fed.state), pool=fed.pool)
    restarted.now = fed.now

    for one in (fed, restarted):
        one.hear(*(a_validated(item="i1", annotator=f"w{who}", label="adult") for who in range(3)))

    ours, theirs = fed.newest(), restarted.newest()
    assert ours["label"] == theirs["label"] == "adult"
    assert abs(ours["probability"] - theirs["probability"]) < 0.01
    assert votes_in(fed.state) == votes_in(restarted.state)


def test_a_quiet_item_is_closed_then_dropped_and_what_it_taught_is_kept() -> None:
    fed = Fed(origin=PartitionOrigin(0, 2))
    fed.hear(*a_crowd(items=20, annotators=3))
    learned = fed.newest("annotators.counts")

    fed.hear(a_validated(item="late", annotator="w9", at=BEGAN_MS + 3 * DAY_MS))
    closed = [load_item(value).closed for key, value in fed.state.values() if key.startswith(b"i:")]
    fed.hear(a_validated(item="later", annotator="w9", at=BEGAN_MS + 60 * DAY_MS))
    fed.hear(a_validated(item="latest", annotator="w9", at=BEGAN_MS + 200 * DAY_MS))

    assert sorted(closed) == [False] + [True] * 20
    assert {load_item(value).item for key, value in fed.state.values() if key.startswith(b"i:")} == {"later", "latest"}
    assert learned["learned"]
    kept = Fed(state=copied(fed.state))
    kept.hear(a_validated(item="new", annotator="w0"))
    reliability = {one["annotator"]: one for one in kept.values("annotators.reliability")}
    assert reliability["w0"]["votes"] == 21


def test_a_closed_item_is_reopened_by_a_late_annotation_with_its_votes() -> None:
    fed = Fed()
    fed.hear(*(a_validated(item="i1", annotator=f"w{who}", label="safe") for who in range(3)))
    fed.hear(a_validated(item="other", at=BEGAN_MS + 3 * DAY_MS))

    fed.hear(a_validated(item="i1", annotator="w4", label="safe", at=BEGAN_MS + 3 * DAY_MS))

    assert (fed.newest()["votes"], fed.newest()["label"]) == (4, "safe")


def test_a_project_whose_contract_is_withdrawn_leaves_the_others_alone() -> None:
    fed = Fed()
    fed.hear(a_validated(item="i1"), a_validated(item="i2"))
    gone = Fed(a_contract(project="other"), state=copied(fed.state))

    gone.hear(a_validated(project="other", item="i1", at=BEGAN_MS + 90 * DAY_MS))

    assert [load_item(value).project for key, value in gone.state.values() if key.startswith(b"i:")] == ["other"]


def test_a_label_that_joins_the_contract_is_understood_at_once() -> None:
    fed = Fed(a_contract(label={"values": ["safe", "adult"]}))
    fed.hear(*(a_validated(item="i1", annotator=f"w{who}", label="safe") for who in range(3)))

    contract = a_contract(label={"values": ["scam", "safe", "adult"]}, version=8)
    fed.adopt(contract)
    fed.hear(*(a_validated(item="i2", annotator=f"w{who}", label="scam") for who in range(3)))

    assert (fed.newest()["label"], fed.newest()["contract_version"]) == ("scam", 8)


changes = st.lists(
    st.tuples(
        st.sampled_from(["i1", "i2", "i3"]),
        st.sampled_from(["w1", "w2", "w3"]),
        st.sampled_from(["safe", "adult", "scam", None]),
        st.integers(0, 6),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=40, deadline=None)
@given(changes=changes, data=st.data())
def test_whatever_the_order_of_arrival_the_final_annotations_count(
    changes: list[tuple[str, str, str | None, int]], data: st.DataObject
) -> None:
    records = [_record(*change) for change in changes]
    shuffled = data.draw(st.permutations([*records, *records]))
    one, other = Fed(origin=TELLER), Fed(origin=TELLER)

    one.hear(*records)
    for start in range(0, len(shuffled), 3):
        other.hear(*shuffled[start : start + 3])
    one.rest()
    other.rest()

    assert votes_in(one.state) == votes_in(other.state)
    assert _panes(one) == _panes(other)


def _record(item: str, who: str, label: str | None, minute: int) -> ARecord:
    action = "deleted" if label is None else "created"
    made = (NOW + timedelta(minutes=minute)).isoformat()
    return a_validated(
        item=item, annotator=who, label=label, action=action, occurred_at=made, id=f"{item}{who}{label}{minute}"
    )


def _panes(fed: Fed) -> object:
    return {place: (pane.patterns, pane.annotators, pane.pairs) for place, pane in fed.pool.all_panes()}


def test_partitions_learn_of_each_other() -> None:
    pool = Fed().pool
    one, other = (Fed(pool=pool, origin=PartitionOrigin(number, 2)) for number in range(2))

    one.hear(*a_crowd(items=60, annotators=4, wrong=(3,)))
    one.rest()
    other.hear(
        a_validated(item="i1", annotator="w0", label="adult"), a_validated(item="i1", annotator="w3", label="scam")
    )

    assert other.newest()["label"] == "adult"
    told = one.values("annotators.reliability") + other.values("annotators.reliability")
    assert {each["annotator"] for each in told} >= {"w0", "w3"}


def test_a_restarted_consensus_is_at_work_without_hearing_anything() -> None:
    fed = Fed()
    fed.hear(*a_crowd(items=10, annotators=3))
    restarted = Fed(state=copied(fed.state), pool=fed.pool)

    restarted.rest()

    assert {one["annotator"] for one in restarted.values("annotators.reliability")} == {"w0", "w1", "w2"}


def test_by_the_contracts_half_life_closed_items_count_for_less_restart_or_not() -> None:
    contract = a_contract(consensus={"half_life_days": 10})
    fed = Fed(contract)
    fed.hear(*a_crowd(items=40, annotators=3))
    votes = fed.newest("annotators.reliability")["votes"]
    fed.hear(a_validated(item="late", annotator="w9", at=BEGAN_MS + 2 * DAY_MS))
    restarted = Fed(contract, pool=fed.pool, state=copied(fed.state))

    for one in (fed, restarted):
        one.hear(a_validated(item="later", annotator="w0", at=BEGAN_MS + 22 * DAY_MS))

    said = [
        next(r for r in reversed(one.values("annotators.reliability")) if r["annotator"] == "w0")
        for one in (fed, restarted)
    ]
    assert votes == 40
    assert said[0]["votes"] == said[1]["votes"] == 11


def test_an_item_that_is_heard_of_when_it_is_due_stays_open() -> None:
    fed = Fed()
    fed.hear(a_validated(item="i1"))

    fed.hear(a_validated(item="i1", annotator="late", at=BEGAN_MS + 40 * DAY_MS))

    assert fed.newest()["votes"] == 2


def test_what_a_partition_takes_back_is_forgotten_by_the_others() -> None:
    fed = Fed(origin=PartitionOrigin(0, 2))
    fed.hear(*a_crowd(items=5, annotators=2))
    key = next(one.key for one in fed.said if one.topic == "annotators.counts" and b"w0" in (one.key or b""))

    fed.pool.receive_counts(key or b"", None)

    assert fed.pool.others(("ads-safety", "w0"), 1) == []


def test_what_is_heard_of_a_project_before_its_first_annotation_is_not_lost() -> None:
    one = Fed(a_contract(), a_contract(project="other"), origin=PartitionOrigin(0, 2))
    one.hear(*a_crowd(items=30, annotators=4, wrong=(3,)))
    one.rest()
    late = Fed(a_contract(), a_contract(project="other"), pool=one.pool, origin=PartitionOrigin(1, 2))

    late.hear(a_validated(project="other"))
    disputed = (("w0", "adult"), ("w3", "scam"))
    late.hear(*(a_validated(item="i1", annotator=who, label=label) for who, label in disputed))

    assert late.newest()["label"] == "adult"


def test_an_old_annotation_does_not_take_up_a_closed_item_again() -> None:
    fed = Fed()
    votes = [a_validated(item="i1", annotator=f"w{who}", label="safe") for who in range(3)]
    fed.hear(*votes)
    fed.hear(a_validated(item="other", at=BEGAN_MS + 3 * DAY_MS))

    again = fed.hear(*(ARecord(one.value, BEGAN_MS + 3 * DAY_MS) for one in votes))
    restarted = Fed(state=copied(fed.state))
    restarted.hear(a_validated(item="new", annotator="w0", at=BEGAN_MS + 3 * DAY_MS))

    assert again.verdicts == {"superseded": 3}
    closed = {one.item for key, value in fed.state.values() if key[:2] == b"i:" and (one := load_item(value)).closed}
    assert closed == {"i1"}
    reliability = {one["annotator"]: one["votes"] for one in restarted.values("annotators.reliability")}
    assert reliability["w0"] == 2
