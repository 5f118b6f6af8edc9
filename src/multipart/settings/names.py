"""Find names in the environment that are probably misspelt settings."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

from dotenv import dotenv_values

_MIN_SIMILARITY: Final = 0.75
# Read by the AWS libraries themselves.
_AWS_NAMES: Final = frozenset({"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN_FILE"})


def environment_names(env_file: str) -> set[str]:
    """Return the names of all variables in the environment and `.env` that are not empty."""
    values = {**dotenv_values(env_file), **os.environ}
    return {name for name, value in values.items() if value}


def find_misspellings(names: Iterable[str], settings: Collection[str]) -> dict[str, str]:
    """Return the names that are close to a setting that is not set, each with that setting."""
    names = {name.upper() for name in names}
    missing = [setting for setting in settings if setting not in names]
    found = {
        name: get_close_matches(name, missing, n=1, cutoff=_MIN_SIMILARITY)
        for name in sorted(names - {*settings} - _AWS_NAMES)
    }
    return {name: close[0] for name, close in found.items() if close}
