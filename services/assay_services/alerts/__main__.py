"""Run the alerts: `python -m assay_services.alerts`."""

from assay_services.alerts.app import build_app
from assay_services.alerts.settings import AlertsSettings
from assay_services.engine.worker import run_worker

if __name__ == "__main__":
    chosen = AlertsSettings()
    run_worker(build_app(chosen), chosen)
