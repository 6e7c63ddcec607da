"""Settings of the archive."""

from typing import Annotated

from pydantic import Field

from assay_services.stores.archive.engine import DatabaseSettings


class ArchiveSettings(DatabaseSettings):
    """Where the archive's database is, and the largest number of records per poll."""

    archive_batch: Annotated[int, Field(ge=1, le=50_000)] = 5_000
