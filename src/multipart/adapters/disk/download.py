"""Send a finished object, or one range of it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from ...domain.content_disposition import content_disposition
from .layout import Layout
from .objects import find_object, open_object

_PIECE_BYTES: Final = 1024 * 1024
# One range of RFC 9110 14.1.2; a server may ignore several.
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ObjectNotFoundError(Exception):
    """There is no object of this key."""


@dataclass(frozen=True, slots=True)
class Download:
    """An open file, and which bytes of it to send."""

    descriptor: int
    first: int
    count: int
    status: HTTPStatus
    headers: list[tuple[bytes, bytes]]

    async def send(self, send: Send, *, with_body: bool) -> None:
        """Send the answer and close the file."""
        try:
            start = {"status": int(self.status), "headers": self.headers}
            await send({"type": "http.response.start", **start})
            sent = 0
            while with_body and sent < self.count:
                size = min(_PIECE_BYTES, self.count - sent)
                piece = await asyncio.to_thread(os.pread, self.descriptor, size, self.first + sent)
                if not piece:
                    break
                sent += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            os.close(self.descriptor)


def open_download(layout: Layout, key: str, scope: MutableMapping[str, Any]) -> Download:
    """Open an object for the request in `scope`. Raise ObjectNotFoundError."""
    found = find_object(layout, key)
    if found is None:
        raise ObjectNotFoundError
    try:
        descriptor = open_object(layout, key)
    except FileNotFoundError:
        raise ObjectNotFoundError from None
    size = os.fstat(descriptor).st_size
    first, count, status = _choose_range(scope, size)
    headers = [
        (b"accept-ranges", b"bytes"),
        (b"content-length", b"%d" % count),
        (b"x-content-type-options", b"nosniff"),
    ]
    if status is not HTTPStatus.OK:
        last = "*" if not count else f"{first}-{first + count - 1}"
        headers.append((b"content-range", f"bytes {last}/{size}".encode()))
    if (described := found.description) is not None:
        disposition = content_disposition(described.filename)
        headers += [
            (b"etag", f'"{described.etag}"'.encode()),
            (b"content-type", described.content_type.encode("latin-1", "replace")),
            (b"content-disposition", disposition.encode()),
        ]
    return Download(descriptor, first, count, status, headers)


def _choose_range(scope: MutableMapping[str, Any], size: int) -> tuple[int, int, HTTPStatus]:
    asked = next((value for name, value in scope["headers"] if name == b"range"), b"")
    match = _RANGE.fullmatch(asked.decode("latin-1").strip())
    if match is None or match[0] == "bytes=-":
        return 0, size, HTTPStatus.OK
    if not match[1]:
        first, last = max(0, size - int(match[2])), size - 1
    else:
        first, last = int(match[1]), min(int(match[2] or size), size - 1)
    if first >= size or last < first:
        return 0, 0, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    return first, last - first + 1, HTTPStatus.PARTIAL_CONTENT
