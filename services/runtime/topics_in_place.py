"""A worker's first duty: the topics are there before anything reads them."""

from mode import Service

from services.runtime.kafka import retrying
from services.runtime.settings import RuntimeSettings
from services.runtime.topics import ensure_topics


class TopicsInPlace(Service):
    """Wait for Kafka and create the topics, before anything reads them."""

    def __init__(self, settings: RuntimeSettings) -> None:
        """Take the settings."""
        super().__init__()
        self._settings = settings

    async def on_start(self) -> None:
        """Create what is missing."""
        await retrying(lambda: ensure_topics(self._settings), patience=self._settings.patience_seconds)
