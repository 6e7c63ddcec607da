"""Run all services under one supervisor: one merged log, restarts with a delay, a clean stop."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

WORKERS = {
    "validator": "assay_services.validator",
    "consensus": "assay_services.consensus",
    "conduct": "assay_services.conduct",
    "alerts": "assay_services.alerts",
    "archive": "assay_services.archive",
    "gateway": "assay_services.gateway",
    "console": "assay_services.console",
}
"""The module of each worker, by name."""

_PAUSES = (1, 2, 5, 10, 30)
_STOP_SECONDS = 15
_LONG_RUN_SECONDS = 600
"""A worker that ran for so long does not keep failing: its next restart is quick again."""


@dataclass(slots=True)
class Supervisor:
    """Runs the workers until stopped. `log` receives (worker, line); a worker that exits is restarted.

    `ports` is the port of each worker's health page.
    """

    log: Callable[[str, str], None]
    environment: Mapping[str, str]
    ports: Mapping[str, int]
    names: tuple[str, ...] = tuple(WORKERS)
    restarts: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Run until `stop` is called or SIGTERM or Ctrl-C is received."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        await asyncio.gather(*(self._keep_running(name) for name in self.names))

    def stop(self) -> None:
        """Stop all workers."""
        self._stop.set()

    async def _keep_running(self, name: str) -> None:
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            code = await self._run_once(name)
            if self._stop.is_set():
                return
            if time.monotonic() - began > _LONG_RUN_SECONDS:
                failures = 0
            pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
            failures += 1
            self.restarts += 1
            self.log(name, f"ended with exit code {code}; starts again in {pause} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _run_once(self, name: str) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            WORKERS[name],
            env={**os.environ, **self.environment, "ASSAY_WEB_PORT": str(self.ports[name])},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=1024 * 1024,
        )
        reading = asyncio.create_task(self._read(name, process))
        stopping = asyncio.create_task(self._stop.wait())
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            process.terminate()
            try:
                await asyncio.wait_for(asyncio.shield(ended), _STOP_SECONDS)
            except TimeoutError:
                process.kill()
        code = await ended
        stopping.cancel()
        await reading
        return code

    async def _read(self, name: str, process: asyncio.subprocess.Process) -> None:
        while process.stdout is not None:
            try:
                line = await process.stdout.readuntil()
            except asyncio.IncompleteReadError as error:
                line = error.partial
                if not line:
                    return
            except asyncio.LimitOverrunError as error:  # a line longer than the buffer: shown in pieces
                line = await process.stdout.readexactly(error.consumed)
            self.log(name, line.decode(errors="replace").rstrip())
