"""Read the credential of a request from its headers or its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from litestar.types import Scope

from ....domain.errors import InvalidCredentialsError
from .token_path import path_token

API_KEY_HEADER: Final = "X-API-Key"
MAX_SECRET_LENGTH: Final = 8192
"""Longer than the tokens of identity providers with many groups."""
_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Credential:
    """What a caller presents. In the path, where logs may show it, only upload tokens count."""

    secret: str
    is_in_path: bool


def read_credential(scope: Scope) -> Credential | None:
    """Return the bearer token, API key or token in the path of a request, None if it has none.

    Raise InvalidCredentialsError for several, for another scheme, or for one that is too long.
    """
    found = [Credential(secret, is_in_path=False) for secret in _secrets(scope)]
    if (token := path_token(scope)) is not None:
        found.append(Credential(token, is_in_path=True))
    if not found:
        return None
    if len(found) > 1 or not 0 < len(found[0].secret) <= MAX_SECRET_LENGTH:
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
