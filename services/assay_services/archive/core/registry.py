"""The archived topics and the function that maps each to rows. A new topic needs a line here, and a table."""

from collections.abc import Mapping
from types import MappingProxyType

from assay_schemas.topics import (
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
from assay_services.archive.core import row_mappers
from assay_services.archive.core.row_types import Reader

ARCHIVED: Mapping[str, Reader] = MappingProxyType(
    {
        VALIDATED.name: row_mappers.validated,
        REJECTED.name: row_mappers.rejected,
        DEAD.name: row_mappers.dead,
        CONSENSUS.name: row_mappers.consensus,
        CORRECTED.name: row_mappers.correction,
        REVIEW.name: row_mappers.review,
        AGREEMENT.name: row_mappers.reading,
        RELIABILITY.name: row_mappers.reliability,
        SIGNALS.name: row_mappers.signal,
        CONDUCT.name: row_mappers.conduct,
        CONTRACTS.name: row_mappers.contract,
        ALERTS.name: row_mappers.alert,
    }
)
