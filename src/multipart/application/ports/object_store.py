"""The port for the store of parts and objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from ...domain.part import StoredPart
from ...domain.part_plan import PartPlan
from ...domain.session import StoredObject
from ...domain.store_capabilities import StoreCapabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """The description of an object, which the store needs before the first byte."""

    key: str
    upload_id: str
    filename: str
    content_type: str
    nonce: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenedUpload:
    """A new upload; `abort_date` is when a rule of the store will abort it, None if never."""

    store_upload_id: str
    abort_date: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedUpload:
    """An upload that the object store has open; `initiated_at` is the store's own time."""

    key: str
    store_upload_id: str
    initiated_at: datetime


@dataclass(frozen=True, slots=True)
class UploadPage:
    """Some open uploads by key; `next_after` begins the next page, None on the last one."""

    uploads: Sequence[ListedUpload]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A URL on which a client may PUT one part, the headers it must send, and until when."""

    url: str
    headers: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedParts:
    """Parts that a client may PUT until `expires_at`, each on the URL that `sign` gives for it."""

    numbers: Sequence[int]
    sign: Callable[[int], str]
    expires_at: datetime

    @property
    def urls(self) -> dict[int, str]:
        """Sign them all, by part number."""
        return {number: self.sign(number) for number in self.numbers}


@dataclass(frozen=True, slots=True)
class SignedPost:
    """A form with which a client may POST one whole file, and until when.

    The client must send all `fields`, which include the key, and the file after them.
    """

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


class ObjectStore(Protocol):
    """Stores the bytes of parts and objects.

    Every method raises StoreUnavailableError if there is no answer; a change may then have happened
    or not. It raises StoreRefusedError, with the store's own code, if the store refuses the request
    and a retry would not help; then nothing has changed.
    """

    @property
    def capabilities(self) -> StoreCapabilities:
        """The store's limits and rules, constant while it is open."""
        ...

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        """Open a multipart upload.

        The finished object carries the content type, the file name as a download's name, the
        metadata, and our upload id and nonce in such a way that `head_object` returns them.
        """
        ...

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
        """Sign a PUT of one part; with `content_length`, of exactly that many bytes.

        With `checksum`, of bytes with this CRC-64/NVME: the store refuses others. Only if
        `capabilities.checks_parts`.

        A store may accept other lengths nevertheless: completing compares the stored ones. A part
        of 0 bytes must be signed with its length.
        The URL may expire earlier than asked: it never outlives the credentials or
        `capabilities.max_url_lifetime`.
        """
        ...

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
        plan: PartPlan | None = None,
    ) -> SignedParts:
        """Sign a PUT of each part as `sign_part` does; all end at the same time.

        With `plan`, each is signed for exactly the bytes that its part has in the plan.

        Everything that can fail happens before this returns. Each URL is made on request, so that a
        caller holds few at a time and other requests run between two of them.
        """
        ...

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        """Sign a form for one whole file of `max_size` bytes at most, exactly as `new` says.

        The store answers 201 with the object's location: the form's URL, with a slash at its end,
        and the key. The form may expire earlier than asked, as with `sign_part`.

        Raise SingleUploadsUnsupportedError if `capabilities.max_single_size` is None.
        """
        ...

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        """Read all parts that the store holds, by ascending number.

        Raise StoreUploadGoneError if the store does not know the upload, or no longer does.
        """
        ...

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        """Assemble the object from the parts, given by ascending number.

        Raise PartsRefusedError, never StoreRefusedError, if the store refuses these parts for a
        lasting reason; the upload is then still open. Raise StoreUploadGoneError if the store does
        not know the upload; it may have been completed before. Only `head_object` returns the
        object's `upload_id` and `nonce`.
        """
        ...

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        """Discard the upload and its parts; do nothing if it does not exist."""
        ...

    async def list_uploads(self, key: str) -> list[ListedUpload]:
        """Read the open uploads of exactly this key."""
        ...

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        """Read a page of the open uploads whose keys begin with a prefix, by ascending key.

        `after` is the `next_after` of the previous page. The list may be incomplete: some stores
        forget uploads, and a page may omit some if one key has very many. What is listed is open.
        """
        ...

    async def find_abort_age(self, prefix: str) -> timedelta | None:
        """Return the age at which a rule of the store aborts uploads under a prefix; None if never.

        Raise StoreUnavailableError also if the store does not support such rules.
        """
        ...

    async def head_object(self, key: str) -> StoredObject | None:
        """Read the finished object of this key; None if there is none."""
        ...

    async def read_start(self, key: str, size: int) -> bytes | None:
        """Read the first `size` bytes of a finished object, fewer if it has fewer.

        None if there is no object of this key.
        """
        ...

    async def delete_object(self, key: str) -> None:
        """Delete the finished object of this key; do nothing if there is none."""
        ...

    async def check(self) -> None:
        """Return if the store answers and the bucket exists; raise otherwise."""
        ...
