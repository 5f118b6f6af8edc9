"""The user that uploads under /s3 belong to."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Request

from multipart_upload.entrypoints.http.companion.users import UnknownUserError, UserSource

PROXY = UserSource("companion", "X-Forwarded-User")


def request(*headers: tuple[bytes, bytes]) -> Request[Any, Any, Any]:
    scope: Any = {"type": "http", "headers": list(headers)}
    return Request(scope)


def test_uploads_belong_to_one_user_without_a_proxy() -> None:
    assert UserSource("companion").user_id(request((b"x-forwarded-user", b"eve"))) == "companion"


@pytest.mark.parametrize(
    ("sent", "user"), [(b"ada", "ada"), (b" ada ", "ada"), ("Zoë".encode(), "Zoë")]
)
def test_uploads_belong_to_the_user_named_by_the_proxy(sent: bytes, user: str) -> None:
    assert PROXY.user_id(request((b"x-forwarded-user", sent))) == user


@pytest.mark.parametrize(
    "sent",
    [[], [b""], [b"  "], [b"ada", b"eve"], [b"\xff"]],
    ids=["none", "empty", "blank", "two", "not UTF-8"],
)
def test_request_without_exactly_one_user_is_refused(sent: list[bytes]) -> None:
    with pytest.raises(UnknownUserError):
        PROXY.user_id(request(*((b"x-forwarded-user", value) for value in sent)))
