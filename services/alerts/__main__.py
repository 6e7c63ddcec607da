"""Run the alerts: `python -m services.alerts`."""

from services.alerts.app import build_app
from services.alerts.settings import AlertsSettings
from services.runtime.chassis import run_worker

if __name__ == "__main__":
    chosen = AlertsSettings()
    run_worker(build_app(chosen), chosen)
