"""Run the console: `python -m assay_services.console`."""

from assay_services.console.app import serve
from assay_services.console.settings import ConsoleSettings

if __name__ == "__main__":
    serve(ConsoleSettings())
