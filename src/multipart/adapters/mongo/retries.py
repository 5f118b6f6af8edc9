"""Send a command again when the connection broke before its answer came.

The driver does this itself, but only where the server announces a replica set or a router. Others,
such as FerretDB, do not recognise a repeated write.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError

T = TypeVar("T")


async def resend_once(command: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
    """Return the answer, and whether an earlier attempt may have been executed as well.

    Executing the command twice must do no harm.
    """
    try:
        return await command(), False
    except ServerSelectionTimeoutError:  # nothing was sent, and no time is left
        raise
    except AutoReconnect:
        return await command(), True
