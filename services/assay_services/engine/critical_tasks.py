"""Tasks that a process cannot run without: if one fails, the process exits."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

from assay_services.engine.logs import get_logger


def start_essential(work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
    """Start a task; if it raises, log the error and end the process at once with exit code 1.

    Everything that was acknowledged is durable by then, so no clean-up is needed.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_end_if_failed)
    return task


def _end_if_failed(task: asyncio.Task[None]) -> None:
    if task.cancelled() or task.exception() is None:
        return
    get_logger("process").critical("task_failed", task=task.get_name(), exc_info=task.exception())
    os._exit(1)
