"""`/metrics`, and the counter of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.types import Message

from ...domain.principal import Principal, Scope
from .auth.middleware import Authentication

if TYPE_CHECKING:
    from ...metrics.collected import Metrics

PATH: Final = "/metrics"
_MEDIA_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_OTHER_METHOD: Final = "other"
_NO_ROUTE: Final = "unmatched"


def metrics_router(metrics: Metrics, authentication: Sequence[Authentication]) -> Router:
    """Serve the metrics, with authentication to callers with the scope `operate` only."""

    @get(PATH, include_in_schema=False)
    async def expose(principal: NamedDependency[Principal]) -> Response[bytes]:
        principal.require(Scope.OPERATE)
        # In a thread: with several workers it reads their files.
        return Response(await asyncio.to_thread(metrics.expose), media_type=_MEDIA_TYPE)

    return Router("/", route_handlers=[expose], middleware=authentication)


def count_requests(metrics: Metrics) -> Callable[[Message, Any], Awaitable[None]]:
    """Return a hook for `before_send` that counts answers by method, route and status."""
    # Finding a counter by its labels takes a lock and builds strings. The routes, methods and
    # statuses are few, so that the cache stays small.
    counter_of = lru_cache(maxsize=None)(metrics.requests.labels)

    async def count(message: Message, scope: Any) -> None:
        if message["type"] == "http.response.start":
            method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHOD
            route = scope.get("path_template") or _NO_ROUTE
            counter_of(method, route, message["status"]).inc()

    return count
