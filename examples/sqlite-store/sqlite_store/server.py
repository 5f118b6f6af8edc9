"""An ASGI application that receives parts and forms."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from multipart import MultipartError, MultipartParser, parse_options_header
from multipart_upload.domain.errors import StoreUnavailableError, StoreUploadGoneError

from .signer import ROUTE, WrongTokenError
from .store import MAX_FILE_SIZE, MIB, SqliteStore

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = dict[bytes, bytes]


class RefusedError(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


@dataclass(frozen=True, slots=True)
class StoreServer:
    """The service mounts it below /objects/."""

    store: SqliteStore

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._respond(scope, receive, send)
        except RefusedError as exc:
            await _answer(send, exc.status)
        except WrongTokenError:
            await _answer(send, 403)
        except StoreUploadGoneError:
            await _answer(send, 404)
        except StoreUnavailableError:
            await _answer(send, 503, {b"retry-after": b"2"})

    async def _respond(self, scope: Message, receive: Receive, send: Send) -> None:
        key = unquote(scope["raw_path"].decode("latin-1")).partition(ROUTE)[2]
        query = parse_qs(scope["query_string"].decode("latin-1"))
        headers = dict(scope["headers"])
        if scope["method"] == "POST" and not key:
            await self._receive_form(headers, receive, send)
            return
        terms = self.store.signer.verify(query.get("token", [""])[0])
        if scope["method"] != "PUT" or terms["key"] != key:
            raise RefusedError(403)
        length = _content_length(headers, self.store.capabilities.max_part_size)
        if terms["length"] not in (None, length):
            raise RefusedError(403)
        body = await _receive_body(receive, length)
        etag = await self.store.put_part(key, terms["upload"], terms["number"], body)
        await _answer(send, 200, {b"etag": f'"{etag}"'.encode()})

    async def _receive_form(self, headers: Headers, receive: Receive, send: Send) -> None:
        length = _content_length(headers, MAX_FILE_SIZE + MIB)
        _, options = parse_options_header(headers.get(b"content-type", b"").decode("latin-1"))
        body = io.BytesIO(await _receive_body(receive, length))
        try:
            parser = MultipartParser(body, options.get("boundary", ""), charset="utf-8")
            fields = {part.name: part.raw for part in parser.parts()}
        except (MultipartError, ValueError):
            raise RefusedError(400) from None
        terms = self.store.signer.verify(fields.get("token", b"").decode("latin-1"))
        file, key = fields.get("file", b""), fields.get("key", b"").decode(errors="replace")
        if len(file) > terms["max_size"] or key != terms["new"][0]:
            raise RefusedError(400)
        await self.store.put_object(terms["new"], file)
        location = self.store.signer.locate(key).encode()
        await _answer(send, 201, {b"location": location})


def _content_length(headers: Headers, largest: int) -> int:
    text = headers.get(b"content-length", b"")
    if not text.isdigit():
        raise RefusedError(411)
    if int(text) > largest:
        raise RefusedError(413)
    return int(text)


async def _receive_body(receive: Receive, length: int) -> bytes:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    body = b"".join(pieces)
    if len(body) != length:  # the client has disconnected
        raise RefusedError(400)
    return body


async def _answer(send: Send, status: int, headers: Headers | None = None) -> None:
    body = json.dumps({"status": status}).encode()
    sent = {b"content-length": b"%d" % len(body), **(headers or {})}
    await send({"type": "http.response.start", "status": status, "headers": [*sent.items()]})
    await send({"type": "http.response.body", "body": body})
