"""Whose uploads those under /s3 are."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Request

from multipart_upload.entrypoints.http.companion.users import UnknownUserError, UserSource

PROXY = UserSource("companion", "X-Forwarded-User")


def request(*headers: tuple[bytes, bytes]) -> Request[Any, Any, Any]:
    scope: Any = {"type": "http", "headers": list(headers)}
    return Request(scope)


def test_without_a_proxy_they_are_all_one_users() -> None:
    assert UserSource("companion").user_id(request((b"x-forwarded-user", b"eve"))) == "companion"


@pytest.mark.parametrize(
    ("sent", "user"), [(b"ada", "ada"), (b" ada ", "ada"), ("Zoë".encode(), "Zoë")]
)
def test_behind_a_proxy_they_are_his_whom_it_names(sent: bytes, user: str) -> None:
    assert PROXY.user_id(request((b"x-forwarded-user", sent))) == user


@pytest.mark.parametrize(
    "sent",
    [[], [b""], [b"  "], [b"ada", b"eve"], [b"\xff"]],
    ids=["none", "empty", "blank", "two", "not UTF-8"],
)
def test_a_request_that_does_not_name_one_user_is_refused(sent: list[bytes]) -> None:
    with pytest.raises(UnknownUserError):
        PROXY.user_id(request(*((b"x-forwarded-user", value) for value in sent)))
