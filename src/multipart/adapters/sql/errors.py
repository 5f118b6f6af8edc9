"""Translate errors of a SQL database into domain errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from ...domain.errors import RepositoryMisconfiguredError, RepositoryUnavailableError

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_REFUSALS: Final[Mapping[str | None, tuple[str, str]]] = {
    "28000": ("authentication-failed", "the user is refused"),
    "28P01": ("authentication-failed", "the user or the password is refused"),
    "3D000": ("database-missing", "the database does not exist"),
    "42501": ("not-authorized", "the user may not use or make the tables"),
}
_LOCK_NOT_AVAILABLE: Final = "55P03"


def is_refusal(error: DBAPIError) -> bool:
    """Return whether the server refuses the service until an operator changes something."""
    return getattr(error.orig, "sqlstate", None) in _REFUSALS


def translate_error(error: Exception) -> RepositoryUnavailableError:
    """Return the port's error, with a cause that shows no row and no parameter."""
    original = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = getattr(original, "sqlstate", None)
    if refusal := _REFUSALS.get(sqlstate):
        return RepositoryMisconfiguredError(*refusal)
    if sqlstate == _LOCK_NOT_AVAILABLE:
        return RepositoryUnavailableError("another transaction uses a table that has to change")
    if isinstance(error, TimeoutError):
        return RepositoryUnavailableError("no answer in time")
    if isinstance(error, OSError | OperationalError | InterfaceError):
        return RepositoryUnavailableError(str(original).partition("\n")[0])
    return RepositoryUnavailableError(type(original).__name__)
