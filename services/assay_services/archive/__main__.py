"""Run the archive: `python -m assay_services.archive`."""

from assay_services.archive.app import build_app
from assay_services.archive.settings import ArchiveSettings
from assay_services.engine.worker import run_worker

if __name__ == "__main__":
    chosen = ArchiveSettings()
    run_worker(build_app(chosen), chosen)
