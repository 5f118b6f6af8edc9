"""Cancel tasks that may swallow a cancellation, and close peers that may not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine
from typing import Any, Final

CLOSE_SECONDS: Final = 5.0
"""How long one connection pool may take to close."""
CANCEL_AGAIN_SECONDS: Final = 0.1
"""Pause before a task that has not ended is cancelled again."""
_logger = logging.getLogger(__name__)


async def cancel_tasks(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended; ignore their results and errors.

    Cancel repeatedly: in Python 3.11 asyncio.wait_for, which PyMongo uses, may swallow a
    cancellation that arrives with its result (https://github.com/python/cpython/issues/86296).
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)


async def close_in_time(name: str, closing: Coroutine[Any, Any, Any]) -> None:
    """Wait at most CLOSE_SECONDS for a close: a silent peer must not delay the shutdown."""
    task = asyncio.create_task(closing)
    try:
        await asyncio.wait({task}, timeout=CLOSE_SECONDS)
        if task.done():
            task.result()
        else:
            _logger.warning("%s did not close within %g s.", name, CLOSE_SECONDS)
    finally:
        task.cancel()
