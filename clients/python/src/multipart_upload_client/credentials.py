"""How requests to the service are authenticated. The store needs no credentials."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from .errors import TokenError

TokenSource = Callable[[], str | Awaitable[str]]
"""Returns a bearer token: called once, and again when the service refuses the token."""


class Credentials:
    """A bearer token, a function that returns one, an API key, or nothing."""

    def __init__(self, token: str | TokenSource | None = None, api_key: str | None = None) -> None:
        if token is not None and api_key is not None:
            msg = "give a token or an API key, not both"
            raise ValueError(msg)
        self._source = token if callable(token) else None
        self._token = None if callable(token) else token
        self._api_key = api_key
        self._lock = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        """Return the headers of a request."""
        if self._api_key is not None:
            return {"X-API-Key": self._api_key}
        if self._source is not None:
            async with self._lock:
                if self._token is None:
                    self._token = await _call(self._source)
        return {} if self._token is None else {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: dict[str, str]) -> bool:
        """Forget the token of refused headers. Return whether there can be another one."""
        if self._source is None:
            return False
        # Unless another request has renewed it in the meantime.
        if refused.get("Authorization") == f"Bearer {self._token}":
            self._token = None
        return True


async def _call(source: TokenSource) -> str:
    """Raise TokenError."""
    try:
        # A plain function may ask an identity provider and block, so it runs in a thread.
        found = source() if inspect.iscoroutinefunction(source) else await asyncio.to_thread(source)
        return await found if inspect.isawaitable(found) else found
    except Exception as exc:
        raise TokenError(exc) from exc
