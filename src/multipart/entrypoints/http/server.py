"""Create the application for a server process, with settings from the environment."""

from __future__ import annotations

import gc

from ...container import Container
from ...settings import load_settings
from .app import create_app
from .auth.peer import TrustedProxies
from .auth.token_path import TokenPaths
from .request_id import CurrentRequest


def app_from_environment() -> TrustedProxies:
    """Create the application from the environment and `.env`. Raise SettingsError."""
    settings = load_settings()
    app = create_app(Container(settings=settings))
    app.on_startup.append(_freeze_garbage_collector)
    accepts_tokens = "token" in settings.auth_methods
    inner = CurrentRequest(TokenPaths(app) if accepts_tokens else app)
    return TrustedProxies(inner, settings.trusted_networks)


def _freeze_garbage_collector() -> None:
    """Exclude the objects that exist at start from every full garbage collection.

    They are half a million; a full collection of them would block all requests for 70 ms.
    """
    gc.collect()
    gc.freeze()
