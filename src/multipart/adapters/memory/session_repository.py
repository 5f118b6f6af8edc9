"""Sessions and parts in this process's memory: for tests, gone with the process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ...domain.errors import SessionNotFoundError, StaleSessionError
from ...domain.model import Part, UploadSession
from ...domain.ports import SessionPage, SessionQuery


class MemorySessionRepository:
    """Keeps the promises of the port within one event loop, but that of surviving it."""

    def __init__(self) -> None:
        self._sessions: dict[str, UploadSession] = {}
        self._parts: defaultdict[str, dict[int, Part]] = defaultdict(dict)

    async def add(self, session: UploadSession) -> None:
        if session.id in self._sessions:
            raise StaleSessionError
        self._keep(session)

    async def get(self, upload_id: str) -> UploadSession:
        try:
            return self._sessions[upload_id]
        except KeyError:
            raise SessionNotFoundError from None

    async def save(self, session: UploadSession) -> UploadSession:
        # Nothing is awaited between the check and the write, so no other task comes between.
        stored = await self.get(session.id)
        if stored.version != session.version:
            raise StaleSessionError
        return self._keep(session.stored(session.version + 1))

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        self._parts[upload_id].update((part.number, part) for part in parts)

    async def list_parts(self, upload_id: str) -> list[Part]:
        recorded = self._parts.get(upload_id, {})
        return [recorded[number] for number in sorted(recorded)]

    async def count_parts(self, upload_id: str) -> int:
        return len(self._parts.get(upload_id, {}))

    async def find(self, query: SessionQuery) -> SessionPage:
        found = sorted(
            (session for session in self._sessions.values() if _matches(query, session)),
            key=_position,
            reverse=True,
        )
        return SessionPage(found[: query.limit], has_more=len(found) > query.limit)

    async def check(self) -> None:
        return

    def _keep(self, session: UploadSession) -> UploadSession:
        # The caller's mapping may still change.
        kept = replace(session, metadata=dict(session.metadata))
        self._sessions[session.id] = kept
        return kept


def _matches(query: SessionQuery, session: UploadSession) -> bool:
    return (
        session.user_id == query.user_id
        and (not query.states or session.state in query.states)
        and (query.created_from is None or session.created_at >= query.created_from)
        and (query.created_before is None or session.created_at < query.created_before)
        and (query.after is None or _position(session) < query.after)
    )


def _position(session: UploadSession) -> tuple[datetime, str]:
    return session.created_at, session.id
