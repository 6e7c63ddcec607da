"""When an item closes, and when a closed one is dropped."""

from assay_schemas.contract.label_contract import LabelContract
from assay_services.consensus.core.agreement_cells import longest_minutes
from assay_services.consensus.core.item_state import ConsensusItem

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


def closes_at_ms(item: ConsensusItem, contract: LabelContract) -> int:
    """Return when (ms since 1970) an item closes if no annotation arrives: after it has left the longest window."""
    if len(item.votes) < contract.redundancy and item.adjudication is None:
        return item.heard_ms + int(contract.close.age_days * _DAY_MS)
    quiet = int(contract.close.quiet_hours * _HOUR_MS)
    return item.heard_ms + max(quiet, longest_minutes(contract.agreement) * _MINUTE_MS)


def dropped_at_ms(closed_at_ms: int, contract: LabelContract) -> int:
    """Return when (ms since 1970) an item that was closed is dropped from the state."""
    return closed_at_ms + int(contract.close.age_days * _DAY_MS)
