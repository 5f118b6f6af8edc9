"""How MongoDB fails, in the domain's words."""

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
"""Under the 5 s in which a client must have its 503, with room for the rest of the request."""

_WRONG_PASSWORD: Final = ("authentication-failed", "the user or the password is refused")
# https://www.mongodb.com/docs/manual/reference/error-codes/; 8000 is Atlas's.
_REFUSALS: Final[Mapping[int | None, tuple[str, str]]] = {
    13: ("not-authorized", "the user may not use the database, or the URI names no user"),
    18: _WRONG_PASSWORD,
    8000: _WRONG_PASSWORD,
}
_DRIVERS_VIEW: Final = re.compile(r" \(configured timeouts|, Timeout:|, Topology")


# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
_MISTAKES: Final = frozenset(
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
def answered(seconds: float | None = None) -> Iterator[None]:
    """Bound what is asked of MongoDB within, retries included; no answer is unavailability.

    A command that the server finds wrong is a mistake of the service, and raised as it is.
    """
    try:
        with pymongo.timeout(seconds or ANSWER_SECONDS):
            yield
    except PyMongoError as exc:
        if _is_our_mistake(exc):
            raise
        raise _meaning(exc) from exc


def _is_our_mistake(error: PyMongoError) -> bool:
    """Tell whether the server refused the command or a document; a retry cannot help."""
    if isinstance(error, OperationFailure):
        return error.code in _MISTAKES
    return isinstance(error, DocumentTooLarge)


def _meaning(exc: PyMongoError) -> RepositoryUnavailableError:
    if isinstance(exc, OperationFailure):
        name = (exc.details or {}).get("codeName") or f"error {exc.code}"
        if exc.code in _REFUSALS:
            reason, cause = _REFUSALS[exc.code]
            return RepositoryMisconfiguredError(reason, f"{cause} ({name})")
        return RepositoryUnavailableError(str(name))
    if isinstance(exc, ConnectionFailure | ConfigurationError):
        # Servers and what became of them, then timeouts and the driver's own view of the topology.
        return RepositoryUnavailableError(_DRIVERS_VIEW.split(str(exc), maxsplit=1)[0])
    return RepositoryUnavailableError(type(exc).__name__)
