"""Run the consensus: `python -m assay_services.consensus`."""

from assay_services.consensus.app import build_app
from assay_services.consensus.settings import ConsensusSettings
from assay_services.engine.worker import run_worker

if __name__ == "__main__":
    chosen = ConsensusSettings()
    run_worker(build_app(chosen), chosen)
