"""HTTP clients that keep secrets out of logs, representations and errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

import httpx

from .errors import NoAnswerError

# Read: the store answers a PUT only when it has stored the part.
TIMEOUT: Final = httpx.Timeout(60, connect=30, read=300, pool=None)
COMPLETE_TIMEOUT: Final = httpx.Timeout(60, connect=30, read=900, pool=None)


class SecretUrl(httpx.URL):
    """A signed URL. Its text, which httpx logs, ends with the host; requests use its parts."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc.decode('ascii')}/..."

    def __repr__(self) -> str:
        return f"SecretUrl({str(self)!r})"


def open_http() -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    """Return the clients for the service and for the store, which never gets credentials."""
    context = httpx.create_ssl_context()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    headers = {"User-Agent": f"multipart-upload-client/{version('multipart-upload-client')}"}
    service, store = (
        httpx.AsyncClient(headers=headers, verify=context, timeout=TIMEOUT, limits=limits)
        for _ in range(2)
    )
    return service, store


@contextmanager
def translate_errors(server: str) -> Iterator[None]:
    """Raise NoAnswerError instead of httpx's errors."""
    try:
        yield
    except httpx.HTTPError as exc:
        # The request is not shown: its headers hold credentials.
        raise NoAnswerError(server, str(exc) or type(exc).__name__) from None
