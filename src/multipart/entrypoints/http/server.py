"""Create the application for a server process, with settings from the environment."""

from __future__ import annotations

import gc

from litestar import Litestar

from ...container import Container
from ...settings import load_settings
from .app import create_app


def app_from_environment() -> Litestar:
    """Create the application from the environment and `.env`. Raise SettingsError."""
    app = create_app(Container(settings=load_settings()))
    app.on_startup.append(_freeze_garbage_collector)
    return app


def _freeze_garbage_collector() -> None:
    """Exclude the objects that exist at start from every full garbage collection.

    They are half a million; a full collection of them would block all requests for 70 ms.
    """
    gc.collect()
    gc.freeze()
