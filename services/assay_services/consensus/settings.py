"""What the consensus reads from its environment."""

from assay_services.engine.settings import RuntimeSettings


class ConsensusSettings(RuntimeSettings):
    """Nothing beyond what every worker reads."""
