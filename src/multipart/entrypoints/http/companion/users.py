"""Whose uploads these are: the contract has no user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request

from ..request import StatedError

_UNAUTHORIZED: Final = 401


class UnknownUserError(StatedError):
    """The proxy in front, which knows the user, has not said who it is."""

    status_code = _UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__(detail="The request does not say whose it is.")


@dataclass(frozen=True, slots=True)
class UserSource:
    """Gives every request to one user, or to the one whom a header names."""

    default: str
    header: str | None = None

    def user_id(self, request: Request[Any, Any, Any]) -> str:
        """Give the user. Raise UnknownUserError unless the header is there exactly once."""
        if self.header is None:
            return self.default
        name = self.header.lower().encode()
        sent = [value for key, value in request.scope["headers"] if key == name]
        # Two are one too many: the client may have sent the other.
        if len(sent) != 1 or not sent[0].strip():
            raise UnknownUserError
        try:
            return sent[0].decode().strip()
        except UnicodeDecodeError:
            raise UnknownUserError from None
