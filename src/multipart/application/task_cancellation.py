"""End tasks that may not hear of it the first time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Final

_AGAIN_SECONDS: Final = 0.1


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
