"""The port for the store of sessions and parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ...domain.part import Part
from ...domain.session import SessionState, UploadSession


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions of a user to list; newest first, `limit` at most.

    With `token_id`, only sessions that were started with this upload token. `states` empty means
    all. `created_from` is included, `created_before` is not. `after` is the (created_at, id) of the
    last session of the previous page.
    """

    user_id: str
    token_id: str | None = None
    states: frozenset[SessionState] = frozenset()
    created_from: datetime | None = None
    created_before: datetime | None = None
    after: tuple[datetime, str] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some sessions, and whether more follow."""

    sessions: Sequence[UploadSession]
    has_more: bool


class SessionRepository(Protocol):
    """Stores sessions and their parts.

    Once a method has returned, its write survives the crash of any process. Every method raises
    RepositoryUnavailableError if there is no answer; a write may then have happened or not.
    """

    async def now(self) -> datetime:
        """Return the time in UTC, to the millisecond, by the one clock that all processes share.

        It is the database's clock if it has one; leases and ages are measured by it.
        """
        ...

    async def add(self, session: UploadSession) -> None:
        """Store a new session. Raise StaleSessionError if its id is taken."""
        ...

    async def get(self, upload_id: str) -> UploadSession:
        """Read a session as last stored.

        Raise SessionNotFoundError if there is none, and StoredSessionUnreadableError if it is
        stored in a form that this release cannot read. `get_many`, `find` and `find_due` log and
        skip such a session.
        """
        ...

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        """Read those of up to 1,000 sessions that exist, in any order."""
        ...

    async def save(self, session: UploadSession) -> UploadSession:
        """Store a changed session and return it with its new version.

        Of any number of callers that read the same version, exactly one succeeds. Raise
        StaleSessionError if another caller has stored it since it was read, and
        SessionNotFoundError if it does not exist.
        """
        ...

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        """Store parts, each replacing an earlier report of its number.

        Of several reports of one number the last one counts. A call that fails may have stored
        some of the parts. This does not read the session: only the holder of its lease may call it.
        """
        ...

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        """Record parts while the session is open for the store upload that it has here.

        Return how many numbers are recorded by then; of several concurrent calls, at least one
        counts the parts of all. Raise StaleSessionError if `session` has no store upload, or if the
        stored session is not open or has another store upload. Then nothing is stored, with one
        exception: an adapter may store many parts in chunks, and if the session is closed between
        two chunks, the earlier ones stay. A report that races with a save that closes the session
        may be accepted, and a read right after the save may not see its parts yet.
        """
        ...

    async def list_parts(self, upload_id: str) -> list[Part]:
        """Read all parts by ascending number; none for an unknown session."""
        ...

    async def forget_parts(self, upload_id: str) -> None:
        """Remove all parts of a session."""
        ...

    async def find(self, query: SessionQuery) -> SessionPage:
        """Read a page of a user's sessions by descending creation time, then descending id."""
        ...

    async def find_due(
        self, before: datetime, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[UploadSession]:
        """Read sessions of any user that were due before, by ascending due time, then id.

        A session is due at its `due_at`, never once it has ended. `after` is the (due_at, id) of
        the last session of the previous page.
        """
        ...

    async def purge_sessions(self, before: datetime, limit: int) -> int:
        """Remove up to `limit` sessions whose retention ended before, with their parts.

        Return how many. A session disappears before its parts: if this call is interrupted, every
        session that can be read has all its parts, and the next call removes the rest.
        """
        ...

    async def check(self) -> None:
        """Return if the repository answers; raise otherwise."""
        ...
