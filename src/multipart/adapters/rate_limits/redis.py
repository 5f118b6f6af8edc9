"""Rate limits that processes share, in Redis or Valkey."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool

from ...application.ports import RateLimiter
from .fail_open import FailOpenLimiter
from .limiter import SlidingWindowLimiter

_MAX_CONNECTIONS: Final = 20
TIMEOUT_SECONDS: Final = 2.0
"""For a connection, for each command, and for all commands of a request.

Much longer than Redis takes, because a flood of requests must not look like an outage.
"""


@asynccontextmanager
async def open_redis_limiter(uri: str) -> AsyncIterator[RateLimiter]:
    """Count in Redis or Valkey. Connects at the first request; without an answer all pass."""
    pool = _open_pool(uri)
    # limits would take a Valkey URI only with a second client library. The protocol is the same.
    storage = RedisStorage(
        "async+redis://",
        wrap_exceptions=True,
        implementation="redispy",
        connection_pool=pool,  # type: ignore[arg-type]  # documented, but not in its type
    )
    try:
        yield FailOpenLimiter(SlidingWindowLimiter(storage), TIMEOUT_SECONDS)
    finally:
        await pool.aclose()


def require_redis_uri(uri: str) -> None:
    """Raise ValueError or TypeError if no connection can ever be made from the URI."""
    _open_pool(uri).make_connection()  # type: ignore[no-untyped-call]


def _open_pool(uri: str) -> BlockingConnectionPool:
    return BlockingConnectionPool.from_url(
        uri.replace("valkey", "redis", 1) if uri.startswith("valkey") else uri,
        max_connections=_MAX_CONNECTIONS,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
    )
