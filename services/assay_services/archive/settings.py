"""What the archive reads from its environment."""

from typing import Annotated

from pydantic import Field

from assay_services.stores.archive.engine import DatabaseSettings


class ArchiveSettings(DatabaseSettings):
    """Where the archive is, and how many records one poll takes at most."""

    archive_batch: Annotated[int, Field(ge=1, le=50_000)] = 5_000
