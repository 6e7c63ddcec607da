"""How every peer of ours runs: until it is told to stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from assay_services.engine.garbage import tame_garbage_collector
from assay_services.engine.settings import RuntimeSettings


def run_until_stopped(run: Callable[[RuntimeSettings], Awaitable[None]]) -> None:
    """Run with the settings of the environment until SIGTERM comes."""
    tame_garbage_collector()
    asyncio.run(_until_stopped(run))


async def _until_stopped(run: Callable[[RuntimeSettings], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(run(RuntimeSettings()))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait({task})
