"""What the validator reads from its environment."""

from assay_services.engine.settings import RuntimeSettings


class ValidatorSettings(RuntimeSettings):
    """Nothing beyond what every worker reads."""
