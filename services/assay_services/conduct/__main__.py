"""Run conduct: `python -m assay_services.conduct`."""

from assay_services.conduct.app import build_app
from assay_services.conduct.settings import ConductSettings
from assay_services.engine.worker import run_worker

if __name__ == "__main__":
    chosen = ConductSettings()
    run_worker(build_app(chosen), chosen)
