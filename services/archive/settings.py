"""What the archive reads from its environment."""

from typing import Annotated

from pydantic import Field, SecretStr

from services.runtime.settings import RuntimeSettings


class ArchiveSettings(RuntimeSettings):
    """`database` is `postgresql://user:password@host/name` or `sqlite:///file`; None is a file in `folder`."""

    database: SecretStr | None = None
    archive_batch: Annotated[int, Field(ge=1, le=50_000)] = 5_000

    @property
    def database_url(self) -> str:
        """Return where the archive is."""
        if self.database is None:
            return f"sqlite:///{self.folder / 'archive.db'}"
        return self.database.get_secret_value()
