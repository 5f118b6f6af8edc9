"""Read the credential of a request from its headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from litestar.types import Scope

from ....domain.errors import InvalidCredentialsError

API_KEY_HEADER: Final = "X-API-Key"
MAX_SECRET_LENGTH: Final = 8192
"""Longer than the tokens of identity providers with many groups."""
_BEARER: Final = "bearer "


def read_secret(scope: Scope) -> str | None:
    """Return the bearer token or the API key of a request, None if it has neither.

    Raise InvalidCredentialsError for several, for another scheme, or for one that is too long.
    """
    found = [*_secrets(scope)]
    if not found:
        return None
    if len(found) > 1 or not 0 < len(found[0]) <= MAX_SECRET_LENGTH:
        raise InvalidCredentialsError
    return found[0]


def _secrets(scope: Scope) -> Iterator[str]:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            yield _decode(value)
        elif name == b"authorization":
            text = _decode(value)
            yield text[len(_BEARER) :].strip() if text[: len(_BEARER)].lower() == _BEARER else ""


def _decode(value: bytes) -> str:
    return value.decode("latin-1").strip()
