"""What the consensus reads from its environment."""

from services.runtime.settings import RuntimeSettings


class ConsensusSettings(RuntimeSettings):
    """Nothing beyond what every worker reads."""
