"""The caller of a request, and the users it may act for."""

from __future__ import annotations

from collections.abc import Container
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .errors import InvalidFieldError, UserNotAllowedError
from .upload_token import UploadToken


class Scope(StrEnum):
    """What a caller may do."""

    UPLOAD = "upload"
    """Upload for itself."""
    ACT_FOR = "act-for"
    """Upload for every user, as a backend does."""
    OPERATE = "operate"
    """Read and abort the uploads of every user."""


def known_scopes(names: Container[str]) -> frozenset[Scope]:
    """Return the scopes with these names. Other names, such as a later release's, allow nothing."""
    return frozenset(scope for scope in Scope if scope.value in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller of a request.

    `user_id` is None if callers are not authenticated: each request then names its user. `token`
    limits its bearer to the uploads that were started with it.
    """

    user_id: str | None
    scopes: AbstractSet[Scope]
    token: UploadToken | None = None

    @property
    def token_id(self) -> str | None:
        """Id of the token that every upload of the caller must have been started with."""
        return self.token.id if self.token else None

    def resolve_owner(self, named: str | None, *allowing: Scope) -> str | None:
        """Return the user who must own an upload; None if the caller may use any user's.

        `named` is the user that the request names. The scope `act-for` and each of `allowing` let
        the caller name others. Raise UserNotAllowedError if the caller may not.
        """
        if not self.scopes.isdisjoint({Scope.ACT_FOR, *allowing}):
            return named
        if Scope.UPLOAD not in self.scopes or named not in (None, self.user_id):
            raise UserNotAllowedError
        return self.user_id

    def resolve_user(self, named: str | None, *allowing: Scope) -> str:
        """Return the user that the caller acts for: the named user, or else its own.

        Raise UserNotAllowedError if the caller may not, and InvalidFieldError if there is neither.
        """
        user_id = self.resolve_owner(named, *allowing) or self.user_id
        if user_id is None:
            raise InvalidFieldError("user_id", "is required")
        return user_id

    def require_all_uploads(self) -> None:
        """Raise UserNotAllowedError for the bearer of an upload token, which sees only its own."""
        if self.token is not None:
            raise UserNotAllowedError

    def require(self, scope: Scope) -> None:
        """Raise UserNotAllowedError if the caller does not have a scope."""
        if scope not in self.scopes:
            raise UserNotAllowedError


def uploader(user_id: str) -> Principal:
    """Return a caller that may only upload for itself."""
    return Principal(user_id=user_id, scopes=frozenset({Scope.UPLOAD}))


ANYONE: Final = Principal(user_id=None, scopes=frozenset(Scope))
"""The caller where callers are not authenticated."""
