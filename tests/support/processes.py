"""Assay's services as processes, for tests that kill them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from assay_services.stores.control.database import ControlSettings

ROOT = Path(__file__).parents[2]
T = TypeVar("T")
_STOP_SECONDS = 20


def wait_for(condition: Callable[[], T | None], *, seconds: float, what: str) -> T:
    """Return what the condition returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds:g} s: {what}")


class Service:
    """One service as a process. It can be killed and started again."""

    def __init__(self, name: str, settings: ControlSettings, web_port: int) -> None:
        """Say which, and with which settings."""
        self._name = name
        self._log = settings.folder / f"{name}.log"
        self._environment = {
            **os.environ,
            "ASSAY_KAFKA": str(settings.kafka),
            "ASSAY_FOLDER": str(settings.folder),
            "ASSAY_MODELS": str(settings.models),
            "ASSAY_PARTITIONS": str(settings.partitions),
            "ASSAY_PREFIX": settings.prefix,
            "ASSAY_WEB_PORT": str(web_port),
            **{
                f"ASSAY_{name.upper()}": str(getattr(settings, name))
                for name in type(settings).model_fields.keys() - ControlSettings.model_fields.keys()
                if getattr(settings, name) is not None
            },
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it takes a moment until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"assay_services.{self._name}"],
                env=self._environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def said(self) -> str:
        """Return its log."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""
