"""How MongoDB fails, in the domain's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pymongo
from pymongo.errors import DocumentTooLarge, OperationFailure, PyMongoError

from ...domain.errors import RepositoryUnavailableError

ANSWER_SECONDS: Final = 3.5
"""Under the 5 s in which a client must have its 503, with room for the rest of the request."""

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
def answered() -> Iterator[None]:
    """Bound what is asked of MongoDB within, retries included; no answer is unavailability.

    A command that the server finds wrong is a mistake of the service, and raised as it is.
    """
    try:
        with pymongo.timeout(ANSWER_SECONDS):
            yield
    except PyMongoError as exc:
        if _is_our_mistake(exc):
            raise
        raise RepositoryUnavailableError from exc


def _is_our_mistake(error: PyMongoError) -> bool:
    """Tell whether the server refused the command or a document; a retry cannot help."""
    if isinstance(error, OperationFailure):
        return error.code in _MISTAKES
    return isinstance(error, DocumentTooLarge)
