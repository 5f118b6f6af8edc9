"""Translate errors of MongoDB into domain errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import pymongo
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    OperationFailure,
    PyMongoError,
)

from ...domain.errors import RepositoryMisconfiguredError, RepositoryUnavailableError

ANSWER_SECONDS: Final = 3.5
"""A client must have its 503 within 5 s: this leaves time for the rest of the request."""
INDEX_SECONDS: Final = 3600.0

_WRONG_PASSWORD: Final = ("authentication-failed", "the user or the password is refused")
# https://www.mongodb.com/docs/manual/reference/error-codes/; 8000 is Atlas's.
_REFUSALS: Final[Mapping[int | None, tuple[str, str]]] = {
    13: ("not-authorized", "the user may not use the database, or the URI names no user"),
    18: _WRONG_PASSWORD,
    8000: _WRONG_PASSWORD,
}
_DRIVER_DETAILS: Final = re.compile(r" \(configured timeouts|, Timeout:|, Topology")
# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
_BUGS: Final = frozenset(
    {
        2,  # BadValue
        9,  # FailedToParse
        14,  # TypeMismatch
        40,  # ConflictingUpdateOperators
        66,  # ImmutableField
        10334,  # BSONObjectTooLarge
    }
)


@contextmanager
def translate_errors(seconds: float | None = None) -> Iterator[None]:
    """Limit the time of all commands in the block, retries included, and translate their errors.

    Raise RepositoryUnavailableError where MongoDB does not answer. A command that the server finds
    wrong is a bug of the service: its error is raised as it is.
    """
    try:
        with pymongo.timeout(seconds or ANSWER_SECONDS):
            yield
    except PyMongoError as exc:
        if _is_bug(exc):
            raise
        raise _translate(exc) from exc


def _is_bug(error: PyMongoError) -> bool:
    """Return whether the server found the command or a document wrong; a retry cannot help."""
    if isinstance(error, OperationFailure):
        return error.code in _BUGS
    return isinstance(error, DocumentTooLarge)


def _translate(exc: PyMongoError) -> RepositoryUnavailableError:
    if isinstance(exc, OperationFailure):
        name = (exc.details or {}).get("codeName") or f"error {exc.code}"
        if exc.code in _REFUSALS:
            reason, cause = _REFUSALS[exc.code]
            return RepositoryMisconfiguredError(reason, f"{cause} ({name})")
        return RepositoryUnavailableError(str(name))
    if isinstance(exc, ConnectionFailure | ConfigurationError):
        # The text names the servers and the failure, then timeouts and the driver's own details.
        return RepositoryUnavailableError(_DRIVER_DETAILS.split(str(exc), maxsplit=1)[0])
    return RepositoryUnavailableError(type(exc).__name__)
