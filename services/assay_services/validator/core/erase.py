"""Erase an item or an annotator from the validator: the newest annotations, by which it detects superseded ones."""

from assay_services.engine.core.erasure_request import Erasure, ErasureRequest, Published, rewritten
from assay_services.engine.core.state import PartitionState
from assay_services.validator.core.item_state import load_item


def forget(state: PartitionState, published: Published, whom: ErasureRequest) -> Erasure:  # noqa: ARG001  # unused
    """Return the changes to the state."""
    if whom.is_item:
        return Erasure({whom.key: None} if state.get(whom.key) is not None else {})
    project = None if whom.project is None else f"{whom.project}:".encode()
    changed: dict[bytes, bytes | None] = {}
    for key, value in state.values():
        if project is not None and not key.startswith(project):
            continue
        item = load_item(value)
        word = item.votes.pop(whom.annotator, None)
        if word is None:
            continue
        if whom.pseudonym is not None:
            item.votes[whom.pseudonym] = word
        changed[key] = rewritten(state, key, item.dump())
    return Erasure(changed)
