"""The application as a server process starts it: settings from the environment."""

from __future__ import annotations

import gc

from litestar import Litestar

from ...container import Container
from ...settings import load_settings
from .app import create_app


def app_from_environment() -> Litestar:
    """Make the service from the environment and `.env`. Raise SettingsError."""
    app = create_app(Container(settings=load_settings()))
    app.on_startup.append(_spare_the_collector)
    return app


def _spare_the_collector() -> None:
    """Keep what lives as long as the process from being looked at by every full collection.

    There are half a million objects of it: each such collection would stop everybody for 70 ms.
    """
    gc.collect()
    gc.freeze()
