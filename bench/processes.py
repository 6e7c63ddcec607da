"""The processes that are measured: real ones, stopped by their own handle."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import urlopen

import psutil

from assay_services.devtools.ports import free_port
from assay_services.engine.settings import RuntimeSettings

ROOT = Path(__file__).parent.parent
_STOP_SECONDS = 20


class MeasuredProcess:
    """One Python module as a process of its own, with the settings of a ground; usable with `with`."""

    def __init__(self, module: str, settings: RuntimeSettings, **extra: str) -> None:
        """Say what to run. `extra` are further environment variables."""
        self._module = module
        self._environment = {**environment_of(settings), **extra}
        self.log = settings.folder / f"{settings.prefix}{module}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._watched: psutil.Process | None = None

    def __enter__(self) -> Self:
        """Start it."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module], env=self._environment, cwd=ROOT, stdout=log, stderr=log
            )
        self._watched = psutil.Process(self._process.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, by force when it takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads so far."""
        if self._watched is None:
            raise RuntimeError("the process was not started")
        used = self._watched.cpu_times()
        return float(used.user + used.system)

    def events_in(self, service: str) -> int:
        """Return how many records the worker says it has taken in; 0 while it does not answer."""
        try:
            with urlopen(f"http://127.0.0.1:{self._environment['ASSAY_WEB_PORT']}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return 0
        found = re.search(rf'^assay_events_in_total{{service="{service}"}} (\S+)$', text, re.MULTILINE)
        return int(float(found[1])) if found else 0

    def check(self) -> None:
        """Raise when it ended by itself: what it said last is the reason."""
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"{self._module} ended by itself:\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])


def environment_of(settings: RuntimeSettings) -> dict[str, str]:
    """Return the environment in which a process reads these settings; its web port is a free one."""
    return {
        **os.environ,
        "ASSAY_KAFKA": str(settings.kafka),
        "ASSAY_FOLDER": str(settings.folder),
        "ASSAY_MODELS": str(settings.models),
        "ASSAY_PARTITIONS": str(settings.partitions),
        "ASSAY_PREFIX": settings.prefix,
        "ASSAY_WEB_PORT": str(free_port()),
    }
