"""Find the project that an input record names."""

from collections.abc import Callable

import orjson

from assay_schemas.annotation import ProjectId
from assay_services.engine.core.core_api import Record


def project_at(*path: str) -> Callable[[Record], ProjectId | None]:
    """Return a function that returns the project at a path in a record's JSON, or None if there is none."""

    def project_of(record: Record) -> ProjectId | None:
        try:
            found = orjson.loads(record.value or b"")
            for name in path:
                found = found[name]
        except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
            return None
        return ProjectId(found) if isinstance(found, str) else None

    return project_of
