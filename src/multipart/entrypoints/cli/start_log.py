"""Log the settings in use at start, and names that are probably misspelt settings."""

from __future__ import annotations

import logging

from ...settings import Settings, find_misspelt_settings
from ..settings_summary import describe_settings

_logger = logging.getLogger(__name__)


def log_start(settings: Settings) -> None:
    """Log which database, bucket and authentication are in use."""
    _logger.info("Starting with %s", describe_settings(settings))
    for name, setting in find_misspelt_settings().items():
        _logger.warning("%s is set, but no setting has this name. Did you mean %s?", name, setting)


def add_misspellings(message: str) -> str:
    """Add the variables that are probably misspelt forms of the settings in an error message."""
    suggestions = [
        f"{name} is set, did you mean {setting}?"
        for name, setting in find_misspelt_settings().items()
        if setting in message
    ]
    return "; ".join([message, *suggestions])
