"""What a start says of the settings: what is in use, and what is probably misspelt."""

from __future__ import annotations

import logging

from ...settings import Settings, misspelt_settings
from ..places import describe

_logger = logging.getLogger(__name__)


def log_start(settings: Settings) -> None:
    """Log which database, bucket and authentication are in use."""
    _logger.info("Starting with %s", describe(settings))
    for name, setting in misspelt_settings().items():
        _logger.warning("%s is set, and no setting has that name; is %s meant?", name, setting)


def with_misspellings(refusal: str) -> str:
    """Add to a refusal which variables may have been meant."""
    meant = [
        f"{name} is set; is {setting} meant?"
        for name, setting in misspelt_settings().items()
        if setting in refusal
    ]
    return "; ".join([refusal, *meant])
