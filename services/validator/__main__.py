"""Run the validator: `python -m services.validator`."""

from services.runtime.chassis import run_worker
from services.validator.app import build_app
from services.validator.settings import ValidatorSettings

if __name__ == "__main__":
    chosen = ValidatorSettings()
    run_worker(build_app(chosen), chosen)
