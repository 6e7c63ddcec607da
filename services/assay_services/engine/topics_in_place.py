"""A worker's first duty: the topics are there before anything reads them."""

from mode import Service

from assay_services.engine.kafka import retrying
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics


class TopicsInPlace(Service):
    """Wait for Kafka and create the topics, before anything reads them."""

    def __init__(self, settings: RuntimeSettings) -> None:
        """Take the settings."""
        super().__init__()
        self._settings = settings

    async def on_start(self) -> None:
        """Create what is missing."""
        await retrying(lambda: ensure_topics(self._settings), patience=self._settings.patience_seconds)
