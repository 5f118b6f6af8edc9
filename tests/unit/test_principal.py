"""The users that a caller may act for."""

from __future__ import annotations

import pytest

from multipart_upload.application.authenticate import Authenticate
from multipart_upload.domain.errors import (
    InvalidCredentialsError,
    InvalidFieldError,
    UserNotAllowedError,
)
from multipart_upload.domain.principal import ANYONE, Principal, Scope


def caller(*scopes: Scope) -> Principal:
    return Principal(user_id="alice", scopes=frozenset(scopes))


def test_uploader_acts_for_itself_only() -> None:
    uploader = caller(Scope.UPLOAD)

    assert uploader.resolve_owner(None) == uploader.resolve_owner("alice") == "alice"
    assert uploader.resolve_user(None) == "alice"
    with pytest.raises(UserNotAllowedError):
        uploader.resolve_owner("bob")


def test_backend_acts_for_everybody() -> None:
    backend = caller(Scope.ACT_FOR)

    assert backend.resolve_owner("bob") == backend.resolve_user("bob") == "bob"
    assert backend.resolve_owner(None) is None
    assert backend.resolve_user(None) == "alice"


def test_operator_acts_only_where_it_is_allowed() -> None:
    operator = caller(Scope.OPERATE)

    assert operator.resolve_owner("bob", Scope.OPERATE) == "bob"
    for named in (None, "alice", "bob"):
        with pytest.raises(UserNotAllowedError):
            operator.resolve_owner(named)


def test_unauthenticated_request_names_its_user() -> None:
    assert ANYONE.resolve_owner(None) is None
    assert ANYONE.resolve_user("bob") == "bob"
    with pytest.raises(InvalidFieldError, match="user_id: is required"):
        ANYONE.resolve_user(None)


class KnowsOne:
    """Accepts one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    async def verify(self, secret: str) -> Principal | None:
        return Principal(user_id=secret, scopes=frozenset()) if secret == self._secret else None


async def test_each_verifier_is_asked() -> None:
    authenticate = Authenticate([KnowsOne("a"), KnowsOne("b")])

    assert (await authenticate("b")).user_id == "b"
    with pytest.raises(InvalidCredentialsError):
        await authenticate("c")
