"""The RateLimit header fields, by draft-ietf-httpapi-ratelimit-headers.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from litestar.types import Message, Scope

from ...domain.rate_limit import RateUsage

POLICY: Final = "RateLimit-Policy"
REMAINING: Final = "RateLimit"
_STATE_KEY: Final = "rate_limit_headers"


def rate_limit_headers(usages: Sequence[RateUsage]) -> Mapping[str, str]:
    """Return the fields; none without a usage."""
    if not usages:
        return {}
    return {
        POLICY: ", ".join(
            f'"{usage.limit.unit}";q={usage.limit.amount};w={usage.limit.seconds}'
            for usage in usages
        ),
        REMAINING: ", ".join(
            f'"{usage.limit.unit}";r={usage.remaining};t={usage.reset_seconds}' for usage in usages
        ),
    }


def keep_usages(scope: Scope, usages: Sequence[RateUsage]) -> None:
    """Keep the usages of a request for its answer."""
    scope["state"][_STATE_KEY] = [
        (name.lower().encode(), value.encode())
        for name, value in rate_limit_headers(usages).items()
    ]


async def add_rate_limit_headers(message: Message, scope: Scope) -> None:
    """Add the fields of the usages that were kept, for Litestar's `before_send`."""
    if message["type"] == "http.response.start":
        kept = scope["state"].get(_STATE_KEY, [])
        message["headers"] = [*message["headers"], *kept]
