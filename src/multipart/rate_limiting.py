"""Open the rate limiter that the settings choose."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

from .application.ports import RateLimiter
from .settings import Settings


def open_rate_limiter(settings: Settings) -> AbstractAsyncContextManager[RateLimiter | None]:
    """Open the counts; None if there are no limits. Only the chosen adapter is imported."""
    if not settings.rate_limits:
        return nullcontext()
    if settings.rate_limit_storage_uri is None:
        from .adapters.rate_limits.memory import open_memory_limiter

        return open_memory_limiter()
    from .adapters.rate_limits.redis import open_redis_limiter

    return open_redis_limiter(settings.rate_limit_storage_uri.get_secret_value())


def check_rate_limiter(settings: Settings) -> None:
    """Raise ValueError, naming the setting, if the counts can never be reached."""
    if not settings.rate_limits or settings.rate_limit_storage_uri is None:
        return
    try:
        from .adapters.rate_limits.redis import require_redis_uri
    except ImportError:
        msg = "RATE_LIMIT_STORAGE_URI: needs its extra: pip install 'multipart-upload[redis]'"
        raise ValueError(msg) from None
    try:
        require_redis_uri(settings.rate_limit_storage_uri.get_secret_value())
    except (TypeError, ValueError):
        # Without the cause, which may contain the password.
        msg = "RATE_LIMIT_STORAGE_URI: must be a URI such as redis://HOST:6379/0"
        raise ValueError(msg) from None
