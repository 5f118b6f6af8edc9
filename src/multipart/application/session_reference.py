"""How a client refers to a session: by id and key, and by user and upload token if it has one."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.errors import SessionNotFoundError
from ..domain.principal import Principal, Scope
from ..domain.session import UploadSession
from .ports import SessionRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReference:
    """All given values must belong to the same session: an id alone gives no access."""

    upload_id: str
    key: str
    user_id: str | None = None
    token_id: str | None = None

    @classmethod
    def by(
        cls,
        principal: Principal,
        *allowing: Scope,
        upload_id: str,
        key: str,
        user_id: str | None = None,
    ) -> SessionReference:
        """Refer to a session of the caller, or of the user that the request names.

        `allowing` are scopes that let the caller name others. Raise UserNotAllowedError.
        """
        owner = principal.resolve_owner(user_id, *allowing)
        return cls(upload_id=upload_id, key=key, user_id=owner, token_id=principal.token_id)

    async def find_in(self, sessions: SessionRepository) -> UploadSession:
        """Read the session. Raise SessionNotFoundError, whichever value was wrong."""
        return self.require_match(await sessions.get(self.upload_id))

    def require_match(self, session: UploadSession) -> UploadSession:
        """Return the session. Raise SessionNotFoundError, whichever value was wrong."""
        is_other_user = self.user_id not in (None, session.user_id)
        is_other_token = self.token_id not in (None, session.token and session.token.token_id)
        if session.key != self.key or is_other_user or is_other_token:
            raise SessionNotFoundError
        return session
