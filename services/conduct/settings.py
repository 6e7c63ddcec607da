"""What conduct reads from its environment."""

from services.runtime.settings import RuntimeSettings


class ConductSettings(RuntimeSettings):
    """Nothing beyond what every worker reads."""
