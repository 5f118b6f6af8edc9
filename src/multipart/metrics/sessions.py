"""A session repository whose calls are measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..application.ports import ForwardingRepository, SessionPage, SessionQuery, SessionRepository
from ..domain.part import Part
from ..domain.session import UploadSession
from .calls import Calls
from .collected import Metrics


class MeteredRepository(ForwardingRepository):
    """Measures every call, and counts the parts recorded."""

    def __init__(self, sessions: SessionRepository, metrics: Metrics) -> None:
        super().__init__(sessions)
        self._measure = Calls(metrics, "session_repository").measure
        # With source "store": recorded at completion, because no client had reported them.
        self._from_clients = metrics.parts_recorded.labels("client")
        self._from_store = metrics.parts_recorded.labels("store")

    async def now(self) -> datetime:
        with self._measure("now"):
            return await self.sessions.now()

    async def add(self, session: UploadSession) -> None:
        with self._measure("add"):
            await self.sessions.add(session)

    async def get(self, upload_id: str) -> UploadSession:
        with self._measure("get"):
            return await self.sessions.get(upload_id)

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        with self._measure("get_many"):
            return await self.sessions.get_many(upload_ids)

    async def save(self, session: UploadSession) -> UploadSession:
        with self._measure("save"):
            return await self.sessions.save(session)

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        with self._measure("record_parts"):
            await self.sessions.record_parts(upload_id, parts)
        self._from_store.inc(len(parts))

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        with self._measure("report_parts"):
            recorded = await self.sessions.report_parts(session, parts)
        self._from_clients.inc(len(parts))
        return recorded

    async def list_parts(self, upload_id: str) -> list[Part]:
        with self._measure("list_parts"):
            return await self.sessions.list_parts(upload_id)

    async def forget_parts(self, upload_id: str) -> None:
        with self._measure("forget_parts"):
            await self.sessions.forget_parts(upload_id)

    async def find(self, query: SessionQuery) -> SessionPage:
        with self._measure("find"):
            return await self.sessions.find(query)

    async def find_due(
        self, before: datetime, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[UploadSession]:
        with self._measure("find_due"):
            return await self.sessions.find_due(before, limit, after)

    async def purge_sessions(self, before: datetime, limit: int) -> int:
        with self._measure("purge_sessions"):
            return await self.sessions.purge_sessions(before, limit)

    async def check(self) -> None:
        with self._measure("check"):
            await self.sessions.check()
