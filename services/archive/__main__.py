"""Run the archive: `python -m services.archive`."""

from services.archive.app import build_app
from services.archive.settings import ArchiveSettings
from services.runtime.chassis import run_worker

if __name__ == "__main__":
    chosen = ArchiveSettings()
    run_worker(build_app(chosen), chosen)
