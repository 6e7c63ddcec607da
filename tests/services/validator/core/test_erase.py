"""What the validator forgets of an item or an annotator."""

from assay_services.engine.core.core_api import Entry
from assay_services.engine.core.erasure_request import ErasureRequest
from assay_services.engine.core.state import PartitionState
from assay_services.validator.core.erase import forget
from assay_services.validator.core.item_state import ValidatorItem, load_item

A17 = ErasureRequest(is_item=False, project="p", name="a17")


def a_state(**votes: list[str]) -> PartitionState:
    """Return the state of items by name, each with words of these annotators."""
    state = PartitionState()
    for item, annotators in votes.items():
        known = ValidatorItem(dict.fromkeys(annotators, (1, "x", 1)))
        state.apply({item.replace("_", ":").encode(): Entry(77, known.dump())})
    return state


def test_an_item_goes() -> None:
    state = a_state(p_i=["a17"], p_j=["a17"])

    assert forget(state, {}, ErasureRequest(is_item=True, project="p", name="i")).stored == {b"p:i": None}
    assert not forget(state, {}, ErasureRequest(is_item=True, project="p", name="other"))


def test_an_annotators_words_go_in_the_project_that_was_named() -> None:
    state = a_state(p_i=["a17", "b"], p_j=["b"], q_i=["a17"])

    named, everywhere = forget(state, {}, A17), forget(state, {}, A17._replace(project=None))

    assert set(named.stored) == {b"p:i"}
    assert set(everywhere.stored) == {b"p:i", b"q:i"}
    state.apply_stored(named.stored)
    assert list(load_item(state.get(b"p:i")).votes) == ["b"]


def test_under_a_pseudonym_a_word_is_kept_and_wakes_when_it_would_have() -> None:
    state = a_state(p_i=["a17"])

    state.apply_stored(forget(state, {}, A17._replace(pseudonym="anonymous-1")).stored)

    assert load_item(state.get(b"p:i")).votes == {"anonymous-1": (1, "x", 1)}
    assert state.due(77, limit=1) == [b"p:i"]
