"""Work on a session that nobody else may do at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from uuid import uuid4

from ..errors import UnavailableError, UploadError
from ..model import Lease, UploadSession
from ..ports import SessionRepository


def new_lease(now: datetime, duration: timedelta) -> Lease:
    """Make a lease for one call: two calls in one process are as foreign as two processes."""
    return Lease(holder=uuid4().hex, deadline=now + duration)


@asynccontextmanager
async def given_back(sessions: SessionRepository, claimed: UploadSession) -> AsyncIterator[None]:
    """Give the lease back when the outcome is unknown, so that a retry need not wait for its end.

    Best effort: where the repository is away too, the deadline frees the session.
    """
    try:
        yield
    except UnavailableError:
        with suppress(UploadError):
            await sessions.save(claimed.lease_released())
        raise
