"""Wire the archive: output topics -> rows -> one database transaction with the offsets."""

import faust
from mode import ServiceT

from assay_services.archive.consumer import ArchiveConsumer
from assay_services.archive.settings import ArchiveSettings
from assay_services.engine.topic_admin import TopicsInPlace
from assay_services.engine.worker import build_worker


def build_app(settings: ArchiveSettings) -> faust.App:
    """Build the archive worker."""
    working: list[ArchiveConsumer] = []

    def carries() -> list[ServiceT]:
        archivist = ArchiveConsumer(settings)
        working.append(archivist)
        return [TopicsInPlace(settings), archivist]

    return build_worker("archive", settings, carries=carries, ready=lambda: any(one.is_ready for one in working))
