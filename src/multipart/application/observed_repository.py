"""A session repository that logs and reports every change of a session."""

from __future__ import annotations

import logging
from dataclasses import replace

from ..domain.session import UploadSession
from .observer import Observer
from .ports import ForwardingRepository, SessionRepository

_logger = logging.getLogger(__name__)


class ObservedRepository(ForwardingRepository):
    """Logs every change of a state, and reports every stored session to the observer.

    A save that was stored although its answer was lost is not reported.
    """

    def __init__(self, sessions: SessionRepository, observer: Observer) -> None:
        super().__init__(sessions)
        self._observer = observer

    async def add(self, session: UploadSession) -> None:
        await self.sessions.add(session)
        # Its own start has already changed it.
        self._report(replace(session, before=None))

    async def save(self, session: UploadSession) -> UploadSession:
        saved = await self.sessions.save(session)
        self._report(session)
        return saved

    def _report(self, session: UploadSession) -> None:
        if session.before is None or session.before.state is not session.state:
            _log_change(session)
        self._observer.note_change(session)


def _log_change(session: UploadSession) -> None:
    from_state = session.before.state.value if session.before else None
    _logger.info(
        "Upload %s of %s: %s -> %s",
        session.id,
        session.user_id,
        from_state or "new",
        session.state.value,
        extra={
            "upload_id": session.id,
            "user_id": session.user_id,
            "from_state": from_state,
            "to_state": session.state.value,
        },
    )
