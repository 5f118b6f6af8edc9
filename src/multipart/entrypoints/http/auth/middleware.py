"""Litestar middleware that authenticates requests."""

from __future__ import annotations

from collections.abc import Callable

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from ....application.authenticate import Authenticate
from ....domain.errors import InvalidCredentialsError, UnauthenticatedError
from ....domain.principal import Principal, uploader
from ..principal import set_principal
from .credentials import read_credential
from .proxy_header import ProxyHeader


class Authentication(ASGIMiddleware):
    """Finds the caller of each request before its body is read.

    A token or API key decides if there is one, else the header of a trusted proxy. CORS
    preflights do not get here: Litestar answers them first.
    """

    def __init__(
        self, find_use_case: Callable[[], Authenticate] | None, proxy: ProxyHeader | None
    ) -> None:
        """Take a function that returns the use case, because Litestar copies middleware deeply.

        Without one, bearer tokens and API keys count for nothing.
        """
        self._find_use_case = find_use_case
        self._proxy = proxy

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on with its principal. Raise UnauthenticatedError."""
        set_principal(scope, await self._find_principal(scope))
        await next_app(scope, receive, send)

    async def _find_principal(self, scope: Scope) -> Principal:
        if self._find_use_case and (found := read_credential(scope)) is not None:
            principal = await self._find_use_case()(found.secret)
            if found.is_in_path and principal.token is None:
                raise InvalidCredentialsError
            return principal
        if self._proxy and (user_id := self._proxy.read_user(scope)) is not None:
            return uploader(user_id)
        raise UnauthenticatedError
