"""An object store in memory, for tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import md5
from itertools import pairwise
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit
from uuid import uuid4

from ...application.ports import (
    Clock,
    ListedUpload,
    NewObject,
    OpenedUpload,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from ...domain.checksum import CHECKSUM_HEADER, crc64nvme, encode_checksum
from ...domain.errors import PartsRefusedError, StoreUploadGoneError
from ...domain.limits import GIB, MIB
from ...domain.part import StoredPart
from ...domain.part_plan import PartPlan
from ...domain.session import StoredObject
from ...domain.store_capabilities import StoreCapabilities

CAPABILITIES: Final = StoreCapabilities(
    min_part_size=5 * MIB,
    max_part_size=5 * GIB,
    max_object_size=10_000 * 5 * GIB,
    max_single_size=5 * GIB,
    max_url_lifetime=timedelta(days=7),
    browser_origin="memory:",
    checks_parts=True,
)
"""Those of S3."""
_PAGE_SIZE: Final = 1000


@dataclass(frozen=True, slots=True)
class MemoryObject:
    """A finished object: its bytes, ETag and description."""

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
    """Keeps all bytes in this process, and signs `memory:` URLs for its own `put` and `post`.

    `lifecycle` is the age at which a rule of the bucket would abort open uploads. It is only
    reported, never enforced.
    """

    def __init__(
        self,
        clock: Clock,
        lifecycle: timedelta | None = None,
        capabilities: StoreCapabilities = CAPABILITIES,
    ) -> None:
        self.objects: dict[str, MemoryObject] = {}
        self.capabilities = capabilities
        self._clock = clock
        self._lifecycle = lifecycle
        self._posts: dict[str, tuple[NewObject, int]] = {}
        self._uploads: defaultdict[str, dict[str, _Upload]] = defaultdict(dict)

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        """Open an upload."""
        store_upload_id, now = uuid4().hex, self._clock.now()
        self._uploads[new.key][store_upload_id] = _Upload(new, now)
        return OpenedUpload(
            store_upload_id, None if self._lifecycle is None else now + self._lifecycle
        )

    async def sign_part(
        self,
        key: str,
        store_upload_id: str,
        part_number: int,
        *,
        expires_in: timedelta,
        content_length: int | None = None,
        checksum: str | None = None,
    ) -> SignedPart:
        """Encode the terms of the PUT in the URL."""
        expires_at = self._clock.now() + min(expires_in, self.capabilities.max_url_lifetime)
        headers = {} if content_length is None else {"Content-Length": str(content_length)}
        if checksum is not None:
            headers[CHECKSUM_HEADER] = checksum
        url = _url(key, upload=store_upload_id, part=part_number, until=expires_at, **headers)
        return SignedPart(url, headers, expires_at)

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
        plan: PartPlan | None = None,
    ) -> SignedParts:
        """Encode the terms of each PUT in its URL."""
        expires_at = self._clock.now() + min(expires_in, self.capabilities.max_url_lifetime)

        def sign(number: int) -> str:
            length = {} if plan is None else {"Content-Length": plan.size_of(number)}
            return _url(key, upload=store_upload_id, part=number, until=expires_at, **length)

        return SignedParts(part_numbers, sign, expires_at)

    async def put(self, signed: SignedPart, body: bytes) -> str:
        """Store a part as S3 does on a PUT, and return the ETag header.

        Raise PermissionError if the URL has expired or declares another length or checksum, and
        StoreUploadGoneError if the upload is not open.
        """
        url = urlsplit(signed.url)
        terms = {name: values[0] for name, values in parse_qs(url.query).items()}
        now = self._clock.now()
        if now > datetime.fromisoformat(terms["until"]):
            raise PermissionError
        if terms.get("Content-Length", str(len(body))) != str(len(body)):
            raise PermissionError
        checksum = encode_checksum(crc64nvme(body))
        if terms.get(CHECKSUM_HEADER, checksum) != checksum:
            raise PermissionError
        upload, number = self._upload(unquote(url.path), terms["upload"]), int(terms["part"])
        etag = md5(body, usedforsecurity=False).hexdigest()
        upload.parts[number] = StoredPart(number=number, etag=etag, size=len(body), stored_at=now)
        upload.bodies[number] = body
        return f'"{etag}"'

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        """Remember the terms of the form."""
        policy = uuid4().hex
        self._posts[policy] = (new, max_size)
        expires_at = self._clock.now() + min(expires_in, self.capabilities.max_url_lifetime)
        return SignedPost("memory:/", {"key": new.key, "policy": policy}, expires_at)

    async def post(self, signed: SignedPost, body: bytes) -> bool:
        """Store a file as S3 does on a POST of the form, and return whether it was accepted."""
        new, max_size = self._posts[signed.fields["policy"]]
        is_allowed = signed.fields["key"] == new.key and self._clock.now() <= signed.expires_at
        if not is_allowed or len(body) > max_size:
            return False
        etag = md5(body, usedforsecurity=False).hexdigest()
        self.objects[new.key] = MemoryObject(body=body, etag=etag, new=new)
        return True

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        """List the parts by number."""
        parts = self._upload(key, store_upload_id).parts
        return [parts[number] for number in sorted(parts)]

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        """Concatenate the parts, by S3's rules."""
        upload = self._upload(key, store_upload_id)
        if refusal := _refusal(upload, parts, self.capabilities):
            raise PartsRefusedError(*refusal)
        digests = b"".join(bytes.fromhex(part.etag) for part in parts)
        self.objects[key] = MemoryObject(
            body=b"".join(upload.bodies[part.number] for part in parts),
            etag=f"{md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}",
            new=upload.new,
        )
        del self._uploads[key][store_upload_id]
        return self._stored(key)

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        """Discard the upload and its parts."""
        self._uploads[key].pop(store_upload_id, None)

    async def list_uploads(self, key: str) -> list[ListedUpload]:
        """List the open uploads of a key."""
        return [
            ListedUpload(key=key, store_upload_id=id_, initiated_at=upload.initiated_at)
            for id_, upload in self._uploads[key].items()
        ]

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        """List a page of the open uploads under a prefix."""
        keys = [key for key, opened in self._uploads.items() if opened and key.startswith(prefix)]
        following = sorted(key for key in keys if after is None or key > after)
        page = following[:_PAGE_SIZE]
        uploads = [upload for key in page for upload in await self.list_uploads(key)]
        return UploadPage(uploads, page[-1] if len(following) > _PAGE_SIZE else None)

    async def find_abort_age(self, prefix: str) -> timedelta | None:
        """Return the rule, which covers the whole bucket."""
        del prefix
        return self._lifecycle

    async def head_object(self, key: str) -> StoredObject | None:
        """Return the finished object with its owner, if it exists."""
        if key not in self.objects:
            return None
        new = self.objects[key].new
        return replace(self._stored(key), upload_id=new.upload_id, nonce=new.nonce)

    async def read_start(self, key: str, size: int) -> bytes | None:
        """Return the first bytes of an object."""
        found = self.objects.get(key)
        return None if found is None else found.body[:size]

    async def delete_object(self, key: str) -> None:
        """Forget an object."""
        self.objects.pop(key, None)

    async def check(self) -> None:
        """Do nothing: memory is always available."""

    def _upload(self, key: str, store_upload_id: str) -> _Upload:
        try:
            return self._uploads[key][store_upload_id]
        except KeyError:
            raise StoreUploadGoneError from None

    def _stored(self, key: str) -> StoredObject:
        found = self.objects[key]
        return StoredObject(
            location=f"memory:{quote(key)}",
            etag=found.etag,
            size=len(found.body),
            checksum=encode_checksum(crc64nvme(found.body)),
        )


def _refusal(
    upload: _Upload, parts: Sequence[StoredPart], limits: StoreCapabilities
) -> tuple[str, str] | None:
    if not parts:
        return "MalformedXML", "there are none."
    if any(part.etag != _etag(upload.parts.get(part.number)) for part in parts):
        return "InvalidPart", "a part is not there or has another ETag."
    if any(first.number >= second.number for first, second in pairwise(parts)):
        return "InvalidPartOrder", "they are not in ascending order."
    if any(len(upload.bodies[part.number]) < limits.min_part_size for part in parts[:-1]):
        return "EntityTooSmall", "a part other than the last is too small."
    return None


def _etag(part: StoredPart | None) -> str | None:
    return None if part is None else part.etag


def _url(key: str, **terms: object) -> str:
    return f"memory:{quote(key)}?{urlencode(terms)}"
