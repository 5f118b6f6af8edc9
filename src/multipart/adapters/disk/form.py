"""Receive a signed form with one file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from .objects import store_file
from .parts import FileWriter
from .signing import FormPolicy

if TYPE_CHECKING:
    from .object_store import DiskObjectStore

MAX_FIELD_BYTES: Final = 16 * 1024
_MAX_FIELDS: Final = 32
_FILE_FIELD: Final = "file"


class FormError(Exception):
    """The form cannot be read, or its file is too large; `code` is S3's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def receive_form(
    store: DiskObjectStore, content_type: str, length: int, pieces: AsyncIterator[bytes]
) -> tuple[str, str]:
    """Store the file of a form, and return its key and ETag.

    Raise SignatureError before the file is read, and FormError.
    """
    _, options = parse_options_header(content_type)
    if not options.get("boundary"):
        raise FormError("MalformedPOSTRequest", "The body must be multipart/form-data.")
    form = _Form(store)
    try:
        with PushMultipartParser(
            options["boundary"], content_length=length, max_segment_count=_MAX_FIELDS
        ) as parser:
            async for piece in pieces:
                for event in parser.parse(piece):
                    await form.handle(event)
        return await form.finish()
    except MultipartError as exc:
        raise FormError("MalformedPOSTRequest", f"The form cannot be read: {exc}") from exc
    finally:
        await form.close()


@dataclass(slots=True)
class _Form:
    """The state of a form that is being received."""

    store: DiskObjectStore
    fields: dict[str, str] = field(default_factory=dict)
    _name: str = ""
    _value: bytes = b""
    _file: FileWriter | None = None
    _policy: FormPolicy | None = None

    async def handle(self, event: MultipartSegment | bytearray | bytes | None) -> None:
        if isinstance(event, MultipartSegment):
            await self._begin(event.name)
        elif event is None:
            if self._name != _FILE_FIELD:
                self.fields[self._name.lower()] = self._value.decode(errors="replace")
        elif self._name == _FILE_FIELD:
            await self._write(bytes(event))
        else:
            self._value += event
            if len(self._value) > MAX_FIELD_BYTES:
                raise FormError("MaxPostPreDataLengthExceeded", "A field of the form is too long.")

    async def finish(self) -> tuple[str, str]:
        if self._file is None or self._policy is None:
            raise FormError("MalformedPOSTRequest", "The form has no file.")
        upload = self._policy.upload
        etag = await asyncio.to_thread(store_file, self.store.layout, self._file, upload)
        return upload.key, etag

    async def close(self) -> None:
        if self._file is not None:
            await asyncio.to_thread(self._file.close)

    async def _begin(self, name: str) -> None:
        if self._file is not None:
            raise FormError("MalformedPOSTRequest", "The file must be the last field.")
        self._name, self._value = name, b""
        if name == _FILE_FIELD:
            self._policy = self.store.signer.verify_form(self.fields)
            self._file = await asyncio.to_thread(FileWriter, self.store.layout.incoming)

    async def _write(self, piece: bytes) -> None:
        assert self._file is not None and self._policy is not None  # noqa: S101, PT018  # for mypy
        if self._file.size + len(piece) > self._policy.max_size:
            limit = self._policy.max_size
            raise FormError("EntityTooLarge", f"The file must have {limit} bytes at most.")
        await asyncio.to_thread(self._file.write, piece)
