"""The caller of a request, kept in its ASGI scope."""

from __future__ import annotations

from typing import Final

from litestar.di import Provide
from litestar.types import Scope

from ...domain.principal import ANYONE, Principal

_KEY: Final = "auth"


def set_principal(scope: Scope, principal: Principal) -> None:
    """Note who was found to call."""
    scope[_KEY] = principal


def find_principal(scope: Scope) -> Principal | None:
    """Return the caller; None where callers are not authenticated."""
    found: Principal | None = scope.get(_KEY)
    return found


def provide_principal(*, is_authenticated: bool) -> Provide:
    """Provide the caller to routes: the authenticated one, or ANYONE."""
    return Provide(_require if is_authenticated else _anyone, sync_to_thread=False)


def _anyone() -> Principal:
    return ANYONE


def _require(scope: Scope) -> Principal:
    principal: Principal = scope[_KEY]  # a KeyError is a bug: the route is not authenticated
    return principal
