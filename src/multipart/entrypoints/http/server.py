"""Create the application for a server process, with settings from the environment."""

from __future__ import annotations

import gc
from typing import Any

from litestar import Litestar

from ...container import Container
from ...settings import load_settings
from .app import create_app
from .auth.peer import TrustedProxies
from .auth.token_path import TokenPaths
from .request_id import CurrentRequest


def app_from_environment() -> TrustedProxies:
    """Create the application from the environment and `.env`. Raise SettingsError."""
    settings = load_settings()
    container = Container(settings=settings)
    app = create_app(container)
    app.on_startup.append(_freeze_garbage_collector)
    return wrap_app(app, container)


def wrap_app(app: Litestar, container: Container) -> TrustedProxies:
    """Put around the application what must see a request before its route is found."""
    settings = container.settings()
    inner: Any = app
    if "token" in settings.auth_methods:
        inner = TokenPaths(inner)
    if (tracing := container.tracing()) is not None:
        from ...tracing.requests import TracedRequests  # noqa: PLC0415  # only with TRACES

        inner = TracedRequests(inner, tracing.tracer)
    inner = CurrentRequest(inner)
    return TrustedProxies(inner, settings.trusted_networks)


def _freeze_garbage_collector() -> None:
    """Exclude the objects that exist at start from every full garbage collection.

    They are half a million; a full collection of them would block all requests for 70 ms.
    """
    gc.collect()
    gc.freeze()
