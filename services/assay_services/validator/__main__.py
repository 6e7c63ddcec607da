"""Run the validator: `python -m assay_services.validator`."""

from assay_services.engine.worker import run_worker
from assay_services.validator.app import build_app
from assay_services.validator.settings import ValidatorSettings

if __name__ == "__main__":
    chosen = ValidatorSettings()
    run_worker(build_app(chosen), chosen)
