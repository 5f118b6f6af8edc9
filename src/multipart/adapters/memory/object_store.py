"""The object store port in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import md5
from itertools import pairwise
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit
from uuid import uuid4

from ...domain.errors import PartsRefusedError, StoreUploadGoneError
from ...domain.limits import MAX_URL_SECONDS, MIN_PART_SIZE
from ...domain.model import StoredObject, StoredPart
from ...domain.ports import Clock, NewObject, SignedPart, SignedParts, StoreUpload

_LONGEST: Final = timedelta(seconds=MAX_URL_SECONDS)


@dataclass(frozen=True, slots=True)
class MemoryObject:
    """A finished object: its bytes, and what it was made with."""

    body: bytes
    etag: str
    new: NewObject


@dataclass(frozen=True, slots=True)
class _Upload:
    new: NewObject
    initiated_at: datetime
    parts: dict[int, StoredPart] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)


class MemoryObjectStore:
    """Keeps bytes as long as the process lives; its URLs are `memory:` ones, for its own `put`."""

    def __init__(self, clock: Clock) -> None:
        self.objects: dict[str, MemoryObject] = {}
        self._clock = clock
        self._uploads: dict[str, _Upload] = {}

    async def create_upload(self, new: NewObject) -> str:
        """Open an upload."""
        store_upload_id = uuid4().hex
        self._uploads[store_upload_id] = _Upload(new, self._clock.now())
        return store_upload_id

    async def sign_part(
        self,
        key: str,
        store_upload_id: str,
        part_number: int,
        *,
        expires_in: timedelta,
        content_length: int | None = None,
    ) -> SignedPart:
        """Write down what may be put."""
        expires_at = self._clock.now() + min(expires_in, _LONGEST)
        length = {} if content_length is None else {"Content-Length": str(content_length)}
        terms = {"upload": store_upload_id, "part": part_number, "until": expires_at, **length}
        return SignedPart(f"memory:{quote(key)}?{urlencode(terms)}", length, expires_at)

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
    ) -> SignedParts:
        """Write down what may be put, once for each part."""
        expires_at = self._clock.now() + min(expires_in, _LONGEST)
        urls = {}
        for number in part_numbers:
            signed = await self.sign_part(key, store_upload_id, number, expires_in=expires_in)
            urls[number] = signed.url
        return SignedParts(urls, expires_at)

    async def put(self, signed: SignedPart, body: bytes) -> str:
        """Do what S3 does on a PUT, and return the ETag header.

        Raise PermissionError if the URL is too old or for another length, and
        StoreUploadGoneError if the upload is not open.
        """
        url = urlsplit(signed.url)
        terms = {name: values[0] for name, values in parse_qs(url.query).items()}
        now = self._clock.now()
        if now > datetime.fromisoformat(terms["until"]):
            raise PermissionError
        if terms.get("Content-Length", str(len(body))) != str(len(body)):
            raise PermissionError
        upload, number = self._upload(unquote(url.path), terms["upload"]), int(terms["part"])
        etag = md5(body, usedforsecurity=False).hexdigest()
        upload.parts[number] = StoredPart(number=number, etag=etag, size=len(body), stored_at=now)
        upload.bodies[number] = body
        return f'"{etag}"'

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        """Read all parts."""
        parts = self._upload(key, store_upload_id).parts
        return [parts[number] for number in sorted(parts)]

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        """Join the parts by S3's rules."""
        upload = self._upload(key, store_upload_id)
        if refusal := _refusal(upload, parts):
            raise PartsRefusedError(*refusal)
        digests = b"".join(bytes.fromhex(part.etag) for part in parts)
        self.objects[key] = MemoryObject(
            body=b"".join(upload.bodies[part.number] for part in parts),
            etag=f"{md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}",
            new=upload.new,
        )
        del self._uploads[store_upload_id]
        return self._stored(key, upload_id=None)

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        """Forget the upload."""
        try:
            self._upload(key, store_upload_id)
        except StoreUploadGoneError:
            return
        del self._uploads[store_upload_id]

    async def list_uploads(self, key: str) -> list[StoreUpload]:
        """Read the open uploads of a key."""
        return [
            StoreUpload(store_upload_id, upload.initiated_at)
            for store_upload_id, upload in self._uploads.items()
            if upload.new.key == key
        ]

    async def head_object(self, key: str) -> StoredObject | None:
        """Look at the finished object."""
        if key not in self.objects:
            return None
        return self._stored(key, upload_id=self.objects[key].new.upload_id)

    async def check(self) -> None:
        """Memory is always there."""

    def _upload(self, key: str, store_upload_id: str) -> _Upload:
        upload = self._uploads.get(store_upload_id)
        if upload is None or upload.new.key != key:
            raise StoreUploadGoneError
        return upload

    def _stored(self, key: str, upload_id: str | None) -> StoredObject:
        found = self.objects[key]
        return StoredObject(
            location=f"memory:{quote(key)}",
            etag=found.etag,
            size=len(found.body),
            upload_id=upload_id,
        )


def _refusal(upload: _Upload, parts: Sequence[StoredPart]) -> tuple[str, str] | None:
    if not parts:
        return "MalformedXML", "there are none."
    if any(part.etag != _etag(upload.parts.get(part.number)) for part in parts):
        return "InvalidPart", "a part is not there or has another ETag."
    if any(first.number >= second.number for first, second in pairwise(parts)):
        return "InvalidPartOrder", "they are not in ascending order."
    if any(len(upload.bodies[part.number]) < MIN_PART_SIZE for part in parts[:-1]):
        return "EntityTooSmall", "a part other than the last is smaller than 5 MiB."
    return None


def _etag(part: StoredPart | None) -> str | None:
    return None if part is None else part.etag
