"""End tasks that may not hear of it the first time, and close what may not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine
from typing import Any, Final

CLOSE_SECONDS: Final = 5.0
"""How long one connection pool may take to close."""
_AGAIN_SECONDS: Final = 0.1
_logger = logging.getLogger(__name__)


async def stopped(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for their ends, however they end.

    More than once: in Python 3.11 asyncio.wait_for, and so PyMongo, may swallow a cancellation that
    comes when its result is there (https://github.com/python/cpython/issues/86296).
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)


async def close_in_time(name: str, closing: Coroutine[Any, Any, Any]) -> None:
    """Wait for a close at most CLOSE_SECONDS: a peer that is silent must not hold the shutdown."""
    task = asyncio.create_task(closing)
    try:
        await asyncio.wait({task}, timeout=CLOSE_SECONDS)
        if task.done():
            task.result()
        else:
            _logger.warning("%s did not close within %g s.", name, CLOSE_SECONDS)
    finally:
        task.cancel()
