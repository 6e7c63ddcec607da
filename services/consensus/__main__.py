"""Run the consensus: `python -m services.consensus`."""

from services.consensus.app import build_app
from services.consensus.settings import ConsensusSettings
from services.runtime.chassis import run_worker

if __name__ == "__main__":
    chosen = ConsensusSettings()
    run_worker(build_app(chosen), chosen)
