"""A session repository that forwards every call; subclasses override single methods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ...domain.part import Part
from ...domain.session import UploadSession
from .session_repository import SessionPage, SessionQuery, SessionRepository


class ForwardingRepository:
    """Forwards every call to `sessions`."""

    def __init__(self, sessions: SessionRepository) -> None:
        self.sessions = sessions

    async def now(self) -> datetime:
        return await self.sessions.now()

    async def add(self, session: UploadSession) -> None:
        await self.sessions.add(session)

    async def get(self, upload_id: str) -> UploadSession:
        return await self.sessions.get(upload_id)

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        return await self.sessions.get_many(upload_ids)

    async def save(self, session: UploadSession) -> UploadSession:
        return await self.sessions.save(session)

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        await self.sessions.record_parts(upload_id, parts)

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        return await self.sessions.report_parts(session, parts)

    async def list_parts(self, upload_id: str) -> list[Part]:
        return await self.sessions.list_parts(upload_id)

    async def forget_parts(self, upload_id: str) -> None:
        await self.sessions.forget_parts(upload_id)

    async def find(self, query: SessionQuery) -> SessionPage:
        return await self.sessions.find(query)

    async def find_due(
        self, before: datetime, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[UploadSession]:
        return await self.sessions.find_due(before, limit, after)

    async def purge_sessions(self, before: datetime, limit: int) -> int:
        return await self.sessions.purge_sessions(before, limit)

    async def check(self) -> None:
        await self.sessions.check()
