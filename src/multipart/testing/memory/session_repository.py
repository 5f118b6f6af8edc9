"""A session repository in memory, for tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ...application.ports import Clock, SessionPage, SessionQuery
from ...domain.errors import SessionNotFoundError, StaleSessionError
from ...domain.part import Part
from ...domain.session import UploadSession
from ...domain.upload_event import UploadEvent, event_of


class MemorySessionRepository:
    """Keeps every promise of the port except durability, within one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[str, UploadSession] = {}
        self._parts: defaultdict[str, dict[int, Part]] = defaultdict(dict)
        self.outbox: list[UploadEvent] = []

    async def now(self) -> datetime:
        return self._clock.now()

    async def add(self, session: UploadSession) -> None:
        if session.id in self._sessions:
            raise StaleSessionError
        self._keep(session)

    async def get(self, upload_id: str) -> UploadSession:
        try:
            return self._sessions[upload_id]
        except KeyError:
            raise SessionNotFoundError from None

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        return [self._sessions[id_] for id_ in set(upload_ids) if id_ in self._sessions]

    async def save(self, session: UploadSession) -> UploadSession:
        # Atomic: neither the check nor the write yields to the event loop.
        stored = await self.get(session.id)
        if stored.version != session.version:
            raise StaleSessionError
        return self._keep(session.with_version(session.version + 1))

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        self._parts[upload_id].update((part.number, part) for part in parts)

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        recordable = (await self.get(session.id)).recordable_store_upload_id
        if recordable is None or recordable != session.store_upload_id:
            raise StaleSessionError
        await self.record_parts(session.id, parts)
        return len(self._parts[session.id])

    async def list_parts(self, upload_id: str) -> list[Part]:
        recorded = self._parts.get(upload_id, {})
        return [recorded[number] for number in sorted(recorded)]

    async def forget_parts(self, upload_id: str) -> None:
        self._parts.pop(upload_id, None)

    async def find(self, query: SessionQuery) -> SessionPage:
        found = sorted(
            (session for session in self._sessions.values() if _matches(query, session)),
            key=_position,
            reverse=True,
        )
        return SessionPage(found[: query.limit], has_more=len(found) > query.limit)

    async def find_due(
        self, before: datetime, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[UploadSession]:
        due = sorted(
            (session.due_at, session.id)
            for session in self._sessions.values()
            if session.due_at is not None and session.due_at < before
        )
        following = [position for position in due if after is None or position > after]
        return [self._sessions[upload_id] for _, upload_id in following[:limit]]

    async def purge_sessions(self, before: datetime, limit: int) -> int:
        purgeable = [
            session.id
            for session in self._sessions.values()
            if session.retained_until is not None and session.retained_until < before
        ]
        for upload_id in purgeable[:limit]:
            del self._sessions[upload_id]
            await self.forget_parts(upload_id)
        return len(purgeable[:limit])

    async def check(self) -> None:
        return

    def _keep(self, session: UploadSession) -> UploadSession:
        # A copy, because the caller may still change its mapping.
        kept = replace(session, metadata=dict(session.metadata))
        self._sessions[session.id] = kept
        if (event := event_of(kept)) is not None:
            self.outbox.append(event)
        return kept


def _matches(query: SessionQuery, session: UploadSession) -> bool:
    return (
        session.user_id == query.user_id
        and query.token_id in (None, session.token and session.token.token_id)
        and (not query.states or session.state in query.states)
        and (query.created_from is None or session.created_at >= query.created_from)
        and (query.created_before is None or session.created_at < query.created_before)
        and (query.after is None or _position(session) < query.after)
    )


def _position(session: UploadSession) -> tuple[datetime, str]:
    return session.created_at, session.id
