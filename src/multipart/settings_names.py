"""Names in the environment that are probably misspelt settings."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

from dotenv import dotenv_values

_LIKENESS: Final = 0.75
# Read by the AWS libraries themselves.
_OF_AWS: Final = frozenset({"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN_FILE"})


def environment_names(env_file: str) -> set[str]:
    """Return the names of all variables that are set where settings are read; not empty ones."""
    values = {**dotenv_values(env_file), **os.environ}
    return {name for name, value in values.items() if value}


def find_misspellings(names: Iterable[str], settings: Collection[str]) -> dict[str, str]:
    """Return, for each name that is close to a setting that is not given, that setting."""
    names = {name.upper() for name in names}
    missing = [setting for setting in settings if setting not in names]
    found = {
        name: get_close_matches(name, missing, n=1, cutoff=_LIKENESS)
        for name in sorted(names - {*settings} - _OF_AWS)
    }
    return {name: close[0] for name, close in found.items() if close}
