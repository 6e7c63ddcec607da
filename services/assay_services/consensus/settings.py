"""Settings of the consensus service."""

from assay_services.engine.settings import RuntimeSettings


class ConsensusSettings(RuntimeSettings):
    """The settings of every worker; the consensus adds none."""
