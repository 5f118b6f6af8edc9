"""The object store port on S3."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from ...application.ports import (
    ListedUpload,
    NewObject,
    OpenedUpload,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from ...domain.errors import StoreRefusedError, StoreUnavailableError, StoreUploadGoneError
from ...domain.part import StoredPart, bare_etag
from ...domain.session import StoredObject
from ...domain.validation import NONCE_METADATA_KEY, UPLOAD_ID_METADATA_KEY
from .errors import QUICK_SECONDS, answered, ask, code_of, reading
from .headers import content_disposition, object_metadata
from .lifecycle import abort_rule
from .listing import list_parts, list_uploads, scan_uploads
from .presigner import Presigner

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import (
        CompleteMultipartUploadOutputTypeDef,
        CompleteMultipartUploadRequestTypeDef,
    )

COMPLETE_SECONDS: Final = 600.0
"""S3 may take minutes to join thousands of parts."""


@dataclass(frozen=True, slots=True)
class S3ObjectStore:
    """One bucket. `quick` gives up in time to tell a client; `patient` waits for complete."""

    bucket: str
    quick: S3Client
    patient: S3Client
    presigner: Presigner

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        """Open a multipart upload; no checksum is declared, as parts would then need theirs."""
        async with answered(QUICK_SECONDS):
            answer = await ask(
                self.quick.create_multipart_upload(
                    Bucket=self.bucket,
                    Key=new.key,
                    ContentType=new.content_type,
                    ContentDisposition=content_disposition(new.filename),
                    Metadata=object_metadata(new),
                )
            )
        with reading():
            # Only where a lifecycle rule of the bucket applies.
            abort_date: datetime | None = answer.get("AbortDate")
            return OpenedUpload(
                answer["UploadId"], None if abort_date is None else abort_date.astimezone(UTC)
            )

    async def sign_part(
        self,
        key: str,
        store_upload_id: str,
        part_number: int,
        *,
        expires_in: timedelta,
        content_length: int | None = None,
    ) -> SignedPart:
        """Sign a PUT of one part."""
        return await self.presigner.sign_part(
            key, store_upload_id, part_number, expires_in, content_length
        )

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
    ) -> SignedParts:
        """Sign a PUT of each part."""
        return await self.presigner.sign_parts(key, store_upload_id, part_numbers, expires_in)

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        """Sign a form for one whole file."""
        return await self.presigner.sign_post(new, max_size, expires_in)

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        """Read all parts, 1,000 a page."""
        return await list_parts(self.quick, self.bucket, key, store_upload_id)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        """Join the parts, having S3 check the size of the whole where it can."""
        try:
            async with answered(COMPLETE_SECONDS):
                answer = await self._joined(key, store_upload_id, parts)
            with reading():
                etag = answer["ETag"]
        except StoreUnavailableError as unclear:
            # moto and Ceph RGW answer 500 for an upload they do not know; ListParts is plain.
            if isinstance(unclear.__cause__, ClientError):
                # What became of the complete is unknown, whatever ListParts is refused for.
                with suppress(StoreRefusedError):
                    await self.list_parts(key, store_upload_id)
            raise
        if not bare_etag(etag):
            return await self._looked_up(key)
        return StoredObject(
            location=self.presigner.location(key),
            etag=bare_etag(etag),
            size=sum(part.size for part in parts),
        )

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        """Throw the upload away."""
        try:
            async with answered(QUICK_SECONDS):
                await ask(
                    self.quick.abort_multipart_upload(
                        Bucket=self.bucket, Key=key, UploadId=store_upload_id
                    )
                )
        except StoreUploadGoneError:
            return

    async def list_uploads(self, key: str) -> list[ListedUpload]:
        """Read the open uploads of a key, which S3 lists only by prefix."""
        return await list_uploads(self.quick, self.bucket, key)

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        """Read a page of open uploads."""
        return await scan_uploads(self.quick, self.bucket, prefix, after)

    async def abort_rule(self, prefix: str) -> timedelta | None:
        """Read the bucket's lifecycle rules."""
        return await abort_rule(self.quick, self.bucket, prefix)

    async def head_object(self, key: str) -> StoredObject | None:
        """Look at the finished object."""
        async with answered(QUICK_SECONDS):
            try:
                head = await ask(self.quick.head_object(Bucket=self.bucket, Key=key))
            except ClientError as exc:
                if code_of(exc) == "404":  # an answer to HEAD has no body to hold S3's own code
                    return None
                raise
        with reading():
            return StoredObject(
                location=self.presigner.location(key),
                etag=bare_etag(head["ETag"]),
                size=head["ContentLength"],
                upload_id=head["Metadata"].get(UPLOAD_ID_METADATA_KEY),
                nonce=head["Metadata"].get(NONCE_METADATA_KEY),
            )

    async def check(self) -> None:
        """Return when the bucket answers."""
        async with answered(QUICK_SECONDS):
            await ask(self.quick.head_bucket(Bucket=self.bucket))

    async def _looked_up(self, key: str) -> StoredObject:
        # Ceph RGW 16 answers a complete with an empty ETag.
        found = None
        # The complete has committed: a refusal to look must not read as one to complete.
        with suppress(StoreRefusedError):
            found = await self.head_object(key)
        if found is None:
            raise StoreUnavailableError
        return replace(found, upload_id=None, nonce=None)

    async def _joined(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> CompleteMultipartUploadOutputTypeDef:
        request: CompleteMultipartUploadRequestTypeDef = {
            "Bucket": self.bucket,
            "Key": key,
            "UploadId": store_upload_id,
            "MultipartUpload": {
                "Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
            },
            "MpuObjectSize": sum(part.size for part in parts),
        }
        try:
            return await ask(self.patient.complete_multipart_upload(**request))
        except ClientError as exc:
            if code_of(exc) != "NotImplemented":
                raise
            # Not every store knows the header that tells the size.
            del request["MpuObjectSize"]
            return await ask(self.patient.complete_multipart_upload(**request))
