"""The public keys of an identity provider, from a URL or a file, read again when they change."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from ...domain.errors import IdentityProviderUnavailableError

MAX_AGE_SECONDS: Final = 600.0
"""After this time the keys are read again, so that a withdrawn key stops working."""
COOLDOWN_SECONDS: Final = 10.0
"""Pause between two readings, so that tokens with invented key ids cause no requests."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=5)
_MAX_BYTES: Final = 1024 * 1024
# Symmetric keys (`oct`) in a public document would let every reader sign.
_ASYMMETRIC: Final = frozenset({"EC", "OKP", "RSA"})
_logger = logging.getLogger(__name__)


class KeySet:
    """Public keys; `read` returns the JSON Web Key Set (RFC 7517)."""

    def __init__(
        self, read: Callable[[], Awaitable[bytes]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.generation = 0
        """Changes whenever other keys have been read."""
        self._read = read
        self._clock = clock
        self._keys: Sequence[PyJWK] = ()
        self._read_at = self._tried_at = -COOLDOWN_SECONDS - MAX_AGE_SECONDS + clock()
        self._lock = asyncio.Lock()

    async def find(self, key_id: str | None) -> Sequence[PyJWK]:
        """Return the keys with this id, or all keys for a token that names none.

        Read the keys again for an unknown id. Raise IdentityProviderUnavailableError if they have
        never been read.
        """
        await self._refresh()
        found = self._select(key_id)
        if not found:
            await self._read_again()
            found = self._select(key_id)
        return found

    async def _refresh(self) -> None:
        """Read the keys again if they are too old. Old keys stay if that fails.

        One caller waits for the provider; the others go on with the old keys.
        """
        if self.is_old and not (self.generation and self._lock.locked()):
            await self._read_again()
        if not self.generation:
            raise IdentityProviderUnavailableError

    @property
    def is_old(self) -> bool:
        """Return whether the keys must be read again."""
        return self._clock() - self._read_at > MAX_AGE_SECONDS

    def _select(self, key_id: str | None) -> Sequence[PyJWK]:
        return [key for key in self._keys if key_id in (None, key.key_id)]

    async def _read_again(self) -> None:
        async with self._lock:
            if self._clock() - self._tried_at < COOLDOWN_SECONDS:
                return
            self._tried_at = self._clock()
            try:
                keys = parse_keys(await self._read())
            except (OSError, TimeoutError, ValueError, aiohttp.ClientError) as exc:
                _logger.warning("The keys of the identity provider cannot be read: %r", exc)
                return
            self._keys, self._read_at = keys, self._clock()
            self.generation += 1


def parse_keys(text: bytes) -> Sequence[PyJWK]:
    """Return the asymmetric keys for signatures. Raise ValueError if the text is no key set."""
    document = json.loads(text)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        msg = "not a JSON Web Key Set"
        raise ValueError(msg)  # noqa: TRY004  # wrong text, not a wrong argument
    wanted = [
        key
        for key in document["keys"]
        if isinstance(key, dict)
        and key.get("kty") in _ASYMMETRIC
        and key.get("use") in (None, "sig")
    ]
    return [parsed for key in wanted if (parsed := _parse_key(key))]


def _parse_key(key: dict[str, str]) -> PyJWK | None:
    try:
        return PyJWK(key)
    except PyJWTError:  # of a kind that PyJWT does not know
        return None


async def _read_limited(stream: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > _MAX_BYTES:
            msg = f"over {_MAX_BYTES} bytes"
            raise ValueError(msg)
    return bytes(body)


@asynccontextmanager
async def open_key_set(location: str) -> AsyncIterator[KeySet]:
    """Open the key set at a URL or in a file; the first token reads it."""
    if "://" not in location:
        yield KeySet(lambda: asyncio.to_thread(Path(location).read_bytes))
        return
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as client:

        async def fetch() -> bytes:
            # A redirect could lead anywhere.
            async with client.get(location, allow_redirects=False) as response:
                if response.status != 200:  # noqa: PLR2004
                    msg = f"status {response.status}"
                    raise ValueError(msg)
                return await _read_limited(response.content)

        yield KeySet(fetch)
