"""Send a command again when the connection broke before its answer came.

The driver does this by itself, but only where the server announces a replica set or a router:
others, such as FerretDB, recognise no repeated write.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError

T = TypeVar("T")


async def resend_once(command: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
    """Return the answer, and whether an earlier sending may have been executed as well.

    So the command must be one that does no harm when it is executed twice.
    """
    try:
        return await command(), False
    except ServerSelectionTimeoutError:  # nothing was sent, and the time is up
        raise
    except AutoReconnect:
        return await command(), True
