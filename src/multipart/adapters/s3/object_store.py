"""The object store port on S3."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ...application.ports import (
    ListedUpload,
    NewObject,
    ObjectStore,
    OpenedUpload,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from ...application.task_cancellation import close_in_time
from ...domain.content_disposition import content_disposition
from ...domain.errors import StoreRefusedError, StoreUnavailableError, StoreUploadGoneError
from ...domain.part import StoredPart, bare_etag
from ...domain.part_plan import PartPlan
from ...domain.session import StoredObject
from ...domain.store_capabilities import StoreCapabilities
from ...domain.validation import NONCE_METADATA_KEY, UPLOAD_ID_METADATA_KEY
from .bucket import find_abort_age
from .client import S3Config, create_session, open_client
from .errors import REQUEST_SECONDS, await_answer, error_code, require_fields, translate_errors
from .headers import form_fields, object_metadata
from .limits import (
    MAX_OBJECT_SIZE,
    MAX_PART_SIZE,
    MAX_SINGLE_SIZE,
    MAX_URL_SECONDS,
    MIN_PART_SIZE,
)
from .listing import list_parts, list_uploads, scan_uploads
from .presigner import Presigner, resolve_bucket_url

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import (
        CompleteMultipartUploadOutputTypeDef,
        CompleteMultipartUploadRequestTypeDef,
    )

COMPLETE_SECONDS: Final = 600.0
"""S3 may take minutes to assemble thousands of parts."""


@asynccontextmanager
async def open_s3_store(config: S3Config) -> AsyncIterator[ObjectStore]:
    """Open the bucket without a request to S3, and close its connections at the end."""
    session = create_session(config)
    bucket_url = resolve_bucket_url(config, session.get_component("data_loader"))
    clients = AsyncExitStack()
    try:
        client = await clients.enter_async_context(open_client(session, config))
        # No retries by botocore: after a kill during a complete, versitygw answers 200 to the same
        # complete without having the object. The use case checks the store before it repeats one.
        complete_client = await clients.enter_async_context(
            open_client(session, config, read_timeout=COMPLETE_SECONDS, attempts=1)
        )
        yield S3ObjectStore(
            config.bucket,
            client,
            complete_client,
            Presigner(session, bucket_url),
            describe_capabilities(config, bucket_url.origin),
        )
    finally:
        await close_in_time("S3", clients.aclose())


def describe_capabilities(config: S3Config, browser_origin: str) -> StoreCapabilities:
    """Return S3's limits, with the settings for stores that differ."""
    return StoreCapabilities(
        min_part_size=MIN_PART_SIZE,
        max_part_size=MAX_PART_SIZE,
        max_part_count=config.max_parts,
        max_object_size=MAX_OBJECT_SIZE,
        max_single_size=MAX_SINGLE_SIZE,
        max_url_lifetime=timedelta(seconds=MAX_URL_SECONDS),
        browser_origin=browser_origin,
        equal_part_sizes=config.equal_part_sizes,
        checks_parts=True,
    )


@dataclass(frozen=True, slots=True)
class S3ObjectStore:
    """One bucket; `complete_client` has a longer timeout than `client`, and no retries."""

    bucket: str
    client: S3Client
    complete_client: S3Client
    presigner: Presigner
    capabilities: StoreCapabilities

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        """Open a multipart upload; with a checksum algorithm, every part would need a checksum."""
        async with translate_errors(REQUEST_SECONDS):
            answer = await await_answer(
                self.client.create_multipart_upload(
                    Bucket=self.bucket,
                    Key=new.key,
                    ContentType=new.content_type,
                    ContentDisposition=content_disposition(new.filename),
                    Metadata=object_metadata(new),
                )
            )
        with require_fields():
            # Sent only if a lifecycle rule of the bucket applies.
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
        checksum: str | None = None,
    ) -> SignedPart:
        """Sign a PUT of one part."""
        return await self.presigner.sign_part(
            key, store_upload_id, part_number, expires_in, content_length, checksum
        )

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
        plan: PartPlan | None = None,
    ) -> SignedParts:
        """Sign a PUT of each part."""
        return await self.presigner.sign_parts(key, store_upload_id, part_numbers, expires_in, plan)

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        """Sign a form for one whole file."""
        context = await self.presigner.signing_context(expires_in)
        fields = form_fields(new)
        # botocore adds no conditions for the fields. It adds one for the key, but lets the client
        # choose the end of a key that ends in "${filename}".
        exact = [{name: value} for name, value in {"key": new.key, **fields}.items()]
        conditions: list[Any] = [*exact, ["content-length-range", 0, max_size]]
        async with translate_errors(REQUEST_SECONDS):
            form = await await_answer(
                self.client.generate_presigned_post(
                    Bucket=self.bucket,
                    Key=new.key,
                    Fields=fields,
                    Conditions=conditions,
                    ExpiresIn=context.lifetime_seconds,
                )
            )
        # Not the form's own URL: it has the service's endpoint instead of the public one.
        return SignedPost(self.presigner.location(""), form["fields"], context.expires_at)

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        """Read all parts, 1,000 a page."""
        return await list_parts(self.client, self.bucket, key, store_upload_id)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        """Assemble the object; S3 checks its size where it can."""
        try:
            async with translate_errors(COMPLETE_SECONDS):
                answer = await self._send_complete(key, store_upload_id, parts)
            with require_fields():
                etag = answer["ETag"]
        except StoreUnavailableError as unclear:
            # moto and Ceph RGW answer 500 for an upload that they do not know; ListParts is clear.
            if isinstance(unclear.__cause__, ClientError):
                # If ListParts is refused, the outcome of the complete is still unknown.
                with suppress(StoreRefusedError):
                    await self.list_parts(key, store_upload_id)
            raise
        if not bare_etag(etag):
            return await self._read_completed(key)
        return StoredObject(
            location=self.presigner.location(key),
            etag=bare_etag(etag),
            size=sum(part.size for part in parts),
            checksum=answer.get("ChecksumCRC64NVME") or await self._read_checksum(key),
        )

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        """Discard the upload and its parts."""
        with suppress(StoreUploadGoneError):
            async with translate_errors(REQUEST_SECONDS):
                await await_answer(
                    self.client.abort_multipart_upload(
                        Bucket=self.bucket, Key=key, UploadId=store_upload_id
                    )
                )

    async def list_uploads(self, key: str) -> list[ListedUpload]:
        """Read the open uploads of a key, which S3 lists only by prefix."""
        return await list_uploads(self.client, self.bucket, key)

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        """Read a page of open uploads."""
        return await scan_uploads(self.client, self.bucket, prefix, after)

    async def find_abort_age(self, prefix: str) -> timedelta | None:
        """Read the bucket's lifecycle rules."""
        return await find_abort_age(self.client, self.bucket, prefix)

    async def head_object(self, key: str) -> StoredObject | None:
        """Read the finished object's headers."""
        async with translate_errors(REQUEST_SECONDS):
            try:
                head = await await_answer(
                    self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
                )
            except ClientError as exc:
                # A response to HEAD has no body with S3's own code.
                if error_code(exc) == "404":
                    return None
                raise
        with require_fields():
            return StoredObject(
                location=self.presigner.location(key),
                etag=bare_etag(head["ETag"]),
                size=head["ContentLength"],
                upload_id=head["Metadata"].get(UPLOAD_ID_METADATA_KEY),
                nonce=head["Metadata"].get(NONCE_METADATA_KEY),
                checksum=head.get("ChecksumCRC64NVME"),
            )

    async def read_start(self, key: str, size: int) -> bytes | None:
        """Read the first bytes of a finished object."""
        async with translate_errors(REQUEST_SECONDS):
            try:
                return await await_answer(self._read_range(key, size))
            except ClientError as exc:
                if error_code(exc) == "NoSuchKey":
                    return None
                # An empty object has no range.
                if error_code(exc) == "InvalidRange":
                    return b""
                raise

    async def delete_object(self, key: str) -> None:
        """Delete a finished object; in a bucket with versions, S3 keeps it as an earlier one."""
        async with translate_errors(REQUEST_SECONDS):
            await await_answer(self.client.delete_object(Bucket=self.bucket, Key=key))

    async def check(self) -> None:
        """Return if the bucket answers."""
        async with translate_errors(REQUEST_SECONDS):
            await await_answer(self.client.head_bucket(Bucket=self.bucket))

    async def _read_range(self, key: str, size: int) -> bytes:
        answer = await self.client.get_object(
            Bucket=self.bucket, Key=key, Range=f"bytes=0-{size - 1}"
        )
        async with answer["Body"] as body:
            # A store that ignores the range sends everything.
            return await body.read(size)

    async def _read_completed(self, key: str) -> StoredObject:
        # Ceph RGW 16 answers a complete with an empty ETag.
        found = None
        # The complete has succeeded: a refused HEAD must not look like a refused complete.
        with suppress(StoreRefusedError):
            found = await self.head_object(key)
        if found is None:
            raise StoreUnavailableError
        return replace(found, upload_id=None, nonce=None)

    async def _read_checksum(self, key: str) -> str | None:
        """Read the checksum of an object; versitygw leaves it out of a repeated complete."""
        # The complete has succeeded: a refused HEAD must not look like a refused complete.
        with suppress(StoreRefusedError):
            found = await self.head_object(key)
            return found.checksum if found else None
        return None

    async def _send_complete(
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
            return await await_answer(self.complete_client.complete_multipart_upload(**request))
        except ClientError as exc:
            if error_code(exc) != "NotImplemented":
                raise
            # Some stores do not know the header with the size.
            del request["MpuObjectSize"]
            return await await_answer(self.complete_client.complete_multipart_upload(**request))
