"""Settings of the validator."""

from assay_services.engine.settings import RuntimeSettings


class ValidatorSettings(RuntimeSettings):
    """The settings of every worker; the validator adds none."""
