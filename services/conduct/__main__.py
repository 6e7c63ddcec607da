"""Run conduct: `python -m services.conduct`."""

from services.conduct.app import build_app
from services.conduct.settings import ConductSettings
from services.runtime.chassis import run_worker

if __name__ == "__main__":
    chosen = ConductSettings()
    run_worker(build_app(chosen), chosen)
