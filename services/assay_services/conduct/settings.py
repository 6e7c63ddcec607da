"""What conduct reads from its environment."""

from assay_services.engine.settings import RuntimeSettings


class ConductSettings(RuntimeSettings):
    """Nothing beyond what every worker reads."""
