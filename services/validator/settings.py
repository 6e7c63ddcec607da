"""What the validator reads from its environment."""

from services.runtime.settings import RuntimeSettings


class ValidatorSettings(RuntimeSettings):
    """Nothing beyond what every worker reads."""
