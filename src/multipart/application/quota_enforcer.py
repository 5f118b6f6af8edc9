"""Reserve quota for new sessions, and settle it when they end."""

from __future__ import annotations

import logging
from typing import Final

from ..domain.errors import LeaseHeldError, StaleSessionError, UnavailableError
from ..domain.quota import QuotaLimits, stored_bytes
from ..domain.session import UploadSession
from .ports import ForwardingRepository, QuotaRepository, SessionRepository

_logger = logging.getLogger(__name__)
_RETRY_AFTER: Final = 1.0


class QuotaEnforcer(ForwardingRepository):
    """A session repository whose new sessions fit into their user's quota.

    A reservation is made before its session and removed after its end: a crash in between leaves
    one that counts too much, never too little, until the next sweep.
    """

    def __init__(
        self, sessions: SessionRepository, quotas: QuotaRepository, limits: QuotaLimits
    ) -> None:
        super().__init__(sessions)
        self.quotas = quotas
        self.limits = limits

    async def add(self, session: UploadSession) -> None:
        """Reserve and store. Raise QuotaExceededError, and what `add` of the port raises."""
        # A repeated start finds its session, also when nothing more could be reserved.
        if await self.sessions.get_many([session.id]):
            raise StaleSessionError
        wanted = self.limits.reservation_for(session, session.created_at)
        reserved = await self.quotas.reserve(wanted, self.limits)
        if reserved.size != wanted.size:
            # Another start with this id is at work, for another file.
            raise LeaseHeldError(session.state, _RETRY_AFTER)
        # If this fails, the session may have been stored: the sweep knows.
        await self.sessions.add(session)

    async def save(self, session: UploadSession) -> UploadSession:
        """Store, and settle the reservation of a session that has ended."""
        saved = await self.sessions.save(session)
        if saved.state.is_terminal:
            try:
                await self.quotas.settle(saved.user_id, saved.id, stored_bytes(saved))
            except UnavailableError as exc:
                _logger.warning("The sweep will settle the quota of %s: %s", saved.id, exc.cause)
        return saved
