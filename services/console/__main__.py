"""Run the console: `python -m services.console`."""

from services.console.serving import serve
from services.console.settings import ConsoleSettings

if __name__ == "__main__":
    serve(ConsoleSettings())
