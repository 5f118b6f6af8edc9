"""The application as a server process starts it: settings from the environment."""

from __future__ import annotations

from litestar import Litestar

from ...container import Container
from ...settings import load_settings
from .app import create_app


def app_from_environment() -> Litestar:
    """Make the service from the environment and `.env`. Raise SettingsError."""
    return create_app(Container(settings=load_settings()))
