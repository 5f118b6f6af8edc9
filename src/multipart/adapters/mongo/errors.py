"""How MongoDB fails, in the domain's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pymongo
from pymongo.errors import PyMongoError

from ...domain.errors import RepositoryUnavailableError

ANSWER_SECONDS: Final = 3.5
"""Under the 5 s in which a client must have its 503, with room for the rest of the request."""


@contextmanager
def answered() -> Iterator[None]:
    """Bound what is asked of MongoDB within, retries included; no answer is unavailability."""
    try:
        with pymongo.timeout(ANSWER_SECONDS):
            yield
    except PyMongoError as exc:
        raise RepositoryUnavailableError from exc
