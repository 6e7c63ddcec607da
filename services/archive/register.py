"""The register of what is archived: which topic becomes rows, and how. A new topic is a line here, and a table."""

from collections.abc import Mapping
from types import MappingProxyType

from services.archive import rows
from services.archive.cells import Reader
from services.runtime.topics import (
    AGREEMENT,
    ALERTS,
    CONDUCT,
    CONSENSUS,
    CONTRACTS,
    CORRECTED,
    DEAD,
    REJECTED,
    RELIABILITY,
    REVIEW,
    SIGNALS,
    VALIDATED,
)

ARCHIVED: Mapping[str, Reader] = MappingProxyType(
    {
        VALIDATED.name: rows.validated,
        REJECTED.name: rows.rejected,
        DEAD.name: rows.dead,
        CONSENSUS.name: rows.consensus,
        CORRECTED.name: rows.correction,
        REVIEW.name: rows.review,
        AGREEMENT.name: rows.reading,
        RELIABILITY.name: rows.reliability,
        SIGNALS.name: rows.signal,
        CONDUCT.name: rows.conduct,
        CONTRACTS.name: rows.contract,
        ALERTS.name: rows.alert,
    }
)
