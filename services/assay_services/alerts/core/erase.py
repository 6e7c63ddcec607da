"""Erase an annotator from the alerts: the alerts about them."""

import orjson

from assay_services.engine.core.erasure_request import Erasure, ErasureRequest, Published
from assay_services.engine.core.state import PartitionState

_SERIES = b"s:"


def forget(state: PartitionState, published: Published, whom: ErasureRequest) -> Erasure:  # noqa: ARG001  # unused
    """Return the changes to the state: alerts about an annotator, or about a pair with them, are deleted.

    A pseudonym does not keep them: an alert's id is a hash of its labels, so another name makes another alert. Alerts
    store nothing about items.
    """
    if whom.is_item:
        return Erasure()
    gone: dict[bytes, bytes | None] = {}
    for key, value in state.values():
        if key.startswith(_SERIES):
            project, _, labels, *_ = orjson.loads(value)
            if any(whom.is_annotator(project, labels.get(name, "")) for name in ("annotator", "peer")):
                gone[key] = None
    return Erasure(gone)
