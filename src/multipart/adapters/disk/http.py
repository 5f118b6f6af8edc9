"""The HTTP side of the folder: PUT a part, POST a form, GET an object, each on a signed URL.

Answers and error codes are S3's, so that clients need not know the difference:
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from ...domain.checksum import encode_checksum
from ...domain.errors import StoreUnavailableError, StoreUploadGoneError
from ...domain.limits import MAX_PART_SIZE
from .download import ObjectNotFoundError, open_download
from .errors import InvalidKeyError
from .form import FormError, receive_form
from .object_store import DiskObjectStore, run_in_thread
from .parts import FileWriter
from .signing import ROUTE, SignatureError
from .uploads import open_part

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

PIECE_BYTES: Final = 1024 * 1024
"""Bytes that are collected in memory before they are written."""


class RequestRefusedError(Exception):
    """The request is answered with an error; `code` is S3's."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


_REFUSALS: Final[Mapping[type[Exception], tuple[HTTPStatus, str, str]]] = {
    SignatureError: (
        HTTPStatus.FORBIDDEN,
        "AccessDenied",
        "The request is not signed, its signature is wrong, or it has expired.",
    ),
    StoreUploadGoneError: (HTTPStatus.NOT_FOUND, "NoSuchUpload", "The upload is not open."),
    ObjectNotFoundError: (HTTPStatus.NOT_FOUND, "NoSuchKey", "There is no such object."),
    InvalidKeyError: (HTTPStatus.BAD_REQUEST, "InvalidKey", "The key cannot be stored."),
    StoreUnavailableError: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "ServiceUnavailable",
        "The store is not available.",
    ),
}


class ClientGoneError(Exception):
    """The client disconnected before the end of its request."""


@dataclass(frozen=True, slots=True)
class DiskServer:
    """An ASGI application for the paths below ROUTE."""

    store: DiskObjectStore

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is not signed is refused before its body is read."""
        try:
            await self._respond(scope, receive, send)
        except ClientGoneError:
            return
        except Exception as exc:
            refused = _to_refusal(exc)
            if refused is None:
                raise
            await _send_error(send, refused)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = unquote(scope["raw_path"].decode("latin-1"))
        method, key = scope["method"], path.partition(ROUTE)[2]
        if method == "POST" and not key:
            await self._receive_form(scope, receive, send)
            return
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        if method not in {"PUT", "GET", "HEAD"}:
            raise RequestRefusedError(
                HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", "The method is not allowed."
            )
        self.store.signer.verify("GET" if method == "HEAD" else method, key, query)
        if method == "PUT":
            await self._receive_part(key, query, scope, receive, send)
        else:
            download = await run_in_thread(open_download, self.store.layout, key, scope)
            await download.send(send, with_body=method == "GET")

    async def _receive_part(
        self, key: str, query: Mapping[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        length = _content_length(scope, self.store.capabilities.max_part_size)
        if query.get("length", str(length)) != str(length):
            raise RequestRefusedError(
                HTTPStatus.FORBIDDEN,
                "SignatureDoesNotMatch",
                "The URL is signed for another length.",
            )
        file = await run_in_thread(open_part, self.store.layout, key, query["uploadId"])
        try:
            async for piece in collect_pieces(receive):
                await run_in_thread(file.write, piece)
            if file.size != length:
                raise ClientGoneError
            if query.get("checksum", checksum := encode_checksum(file.crc)) != checksum:
                raise RequestRefusedError(
                    HTTPStatus.BAD_REQUEST, "BadDigest", "The bytes have another CRC-64/NVME."
                )
            etag = await self._commit(file, int(query["partNumber"]))
        finally:
            await asyncio.to_thread(file.close)
        await send_answer(send, HTTPStatus.OK, [(b"etag", f'"{etag}"'.encode())])

    @staticmethod
    async def _commit(file: FileWriter, number: int) -> str:
        def commit() -> str:
            try:
                return file.commit_part(number)
            except FileNotFoundError:
                raise StoreUploadGoneError from None

        return await run_in_thread(commit)

    async def _receive_form(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = _content_length(scope, MAX_PART_SIZE + PIECE_BYTES)
        content_type = _header(scope, b"content-type").decode("latin-1")
        key, etag = await receive_form(self.store, content_type, length, collect_pieces(receive))
        location = self.store.signer.location(key)
        body = (
            f"<PostResponse><Location>{escape(location)}</Location><Key>{escape(key)}</Key>"
            f'<ETag>"{etag}"</ETag></PostResponse>'
        )
        headers = [(b"location", location.encode()), (b"etag", f'"{etag}"'.encode())]
        await send_answer(send, HTTPStatus.CREATED, headers, body)


async def collect_pieces(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the body in pieces of about PIECE_BYTES. Raise ClientGoneError if it ends early."""
    held: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        held.append(message.get("body", b""))
        size += len(held[-1])
        is_last = not message.get("more_body", False)
        if size >= PIECE_BYTES or (is_last and size):
            yield b"".join(held)
            held, size = [], 0
        if is_last:
            return


async def send_answer(
    send: Send, status: HTTPStatus, headers: Headers = (), body: str = ""
) -> None:
    """Send a small answer; a body is XML."""
    encoded = body.encode()
    sent = [*headers, (b"content-length", b"%d" % len(encoded))]
    if body:
        sent.append((b"content-type", b"application/xml"))
    await send({"type": "http.response.start", "status": int(status), "headers": sent})
    await send({"type": "http.response.body", "body": encoded, "more_body": False})


async def _send_error(send: Send, refused: RequestRefusedError) -> None:
    body = (
        f"<Error><Code>{escape(refused.code)}</Code>"
        f"<Message>{escape(refused.message)}</Message></Error>"
    )
    retry = [(b"retry-after", b"2")] if refused.status is HTTPStatus.SERVICE_UNAVAILABLE else []
    await send_answer(send, refused.status, retry, body)


def _to_refusal(exc: Exception) -> RequestRefusedError | None:
    if isinstance(exc, RequestRefusedError):
        return exc
    if isinstance(exc, FormError):
        return RequestRefusedError(HTTPStatus.BAD_REQUEST, exc.code, str(exc))
    refusals = (refusal for kind, refusal in _REFUSALS.items() if isinstance(exc, kind))
    found = next(refusals, None)
    return None if found is None else RequestRefusedError(*found)


def _content_length(scope: Scope, largest: int) -> int:
    text = _header(scope, b"content-length")
    if not text.isdigit():
        raise RequestRefusedError(
            HTTPStatus.LENGTH_REQUIRED, "MissingContentLength", "Content-Length is required."
        )
    if int(text) > largest:
        raise RequestRefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "EntityTooLarge",
            f"The body must have {largest} bytes at most.",
        )
    return int(text)


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")
