"""The user of a request; Companion's contract has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request

from ....domain.principal import Principal, uploader
from ..request import RequestError

_UNAUTHORIZED: Final = 401


class UnknownUserError(RequestError):
    """The trusted proxy did not name the user."""

    status_code = _UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__(detail="The request does not name its user.")


@dataclass(frozen=True, slots=True)
class UserSource:
    """Determines the user: always the default, or the value of a header if one is configured."""

    default: str
    header: str | None = None

    def principal(self, request: Request[Any, Any, Any]) -> Principal:
        """Return a caller that uploads for the user. Raise UnknownUserError."""
        return uploader(self.user_id(request))

    def user_id(self, request: Request[Any, Any, Any]) -> str:
        """Return the user. Raise UnknownUserError unless the header is present exactly once."""
        if self.header is None:
            return self.default
        name = self.header.lower().encode()
        sent = [value for key, value in request.scope["headers"] if key == name]
        # Of two, the client may have sent one.
        if len(sent) != 1 or not sent[0].strip():
            raise UnknownUserError
        try:
            return sent[0].decode().strip()
        except UnicodeDecodeError:
            raise UnknownUserError from None
