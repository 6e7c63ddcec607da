"""Wire the archive: output topics -> rows -> one database transaction with the positions."""

import faust
from mode import ServiceT

from services.archive.archivist import Archivist
from services.archive.settings import ArchiveSettings
from services.runtime.chassis import build_chassis
from services.runtime.topics_in_place import TopicsInPlace


def build_app(settings: ArchiveSettings) -> faust.App:
    """Build the worker of the archive."""
    working: list[Archivist] = []

    def carries() -> list[ServiceT]:
        archivist = Archivist(settings)
        working.append(archivist)
        return [TopicsInPlace(settings), archivist]

    return build_chassis("archive", settings, carries=carries, ready=lambda: any(one.is_ready for one in working))
