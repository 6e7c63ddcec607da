"""Settings of the conduct service."""

from assay_services.engine.settings import RuntimeSettings


class ConductSettings(RuntimeSettings):
    """The settings of every worker; conduct adds none."""
