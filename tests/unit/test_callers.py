"""For whom a request counts."""

from __future__ import annotations

from typing import Any

import pytest

from multipart_upload.domain.principal import ANYONE, Principal, uploader
from multipart_upload.entrypoints.http.principal import set_principal
from multipart_upload.entrypoints.http.rate_limits.callers import name_callers


def scope_of(client: tuple[str, int] | None, principal: Principal | None = None) -> Any:
    scope: Any = {"type": "http", "client": client}
    if principal is not None:
        set_principal(scope, principal)
    return scope


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("a proxy's text", "unknown"),
    ],
)
def test_address_is_named_by_what_one_client_has(address: str, name: str) -> None:
    assert name_callers(scope_of((address, 1))) == [f"address:{name}"]


def test_unix_socket_has_no_address() -> None:
    assert name_callers(scope_of(None)) == ["address:unknown"]


def test_authenticated_user_counts_too() -> None:
    scope = scope_of(("203.0.113.7", 1), uploader("ada"))

    assert name_callers(scope) == ["address:203.0.113.7", "user:ada"]


def test_caller_that_is_not_authenticated_is_no_user() -> None:
    assert name_callers(scope_of(("203.0.113.7", 1), ANYONE)) == ["address:203.0.113.7"]
