"""URLs on the host that clients see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from aiobotocore.session import AioSession

from ...domain.errors import StoreUnavailableError
from ...domain.limits import MAX_URL_SECONDS
from ...domain.ports import NewObject, SignedPart, SignedPost
from .errors import QUICK_SECONDS, answered
from .post_form import PostForm, signed_post

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Presigner:
    """Signs with the session's credentials for the public endpoint that `client` is made for."""

    session: AioSession
    client: S3Client
    bucket: str

    async def sign_part(
        self,
        key: str,
        store_upload_id: str,
        part_number: int,
        expires_in: timedelta,
        content_length: int | None,
    ) -> SignedPart:
        """Sign a PUT of one part; see ObjectStore.sign_part."""
        length = {} if content_length is None else {"ContentLength": content_length}
        params = {"Key": key, "UploadId": store_upload_id, "PartNumber": part_number, **length}
        # Signing itself asks nobody, but the credentials may be due for renewal.
        async with answered(QUICK_SECONDS):
            seconds = await self._life(expires_in)
            url = await self._signed("upload_part", params, seconds)
        headers = {} if content_length is None else {"Content-Length": str(content_length)}
        return SignedPart(url, headers, _end_of(url))

    async def sign_post(self, new: NewObject, max_size: int, expires_in: timedelta) -> SignedPost:
        """Sign a form for a whole file; see ObjectStore.sign_post."""
        form = PostForm.of(new, max_size)
        async with answered(QUICK_SECONDS):
            signed = await self.client.generate_presigned_post(
                self.bucket,
                new.key,
                Fields=dict(form.fields),
                Conditions=list(form.conditions),
                ExpiresIn=await self._life(expires_in),
            )
        return signed_post(signed)

    async def location(self, key: str) -> str:
        """Give the unsigned URL of an object, percent-encoded."""
        async with answered(QUICK_SECONDS):
            url = await self._signed("get_object", {"Key": key}, MAX_URL_SECONDS)
        # botocore alone knows when a bucket's name goes into the host and how partitions are named.
        return urlsplit(url)._replace(query="").geturl()

    async def _signed(self, operation: str, params: Mapping[str, Any], seconds: int) -> str:
        return await self.client.generate_presigned_url(
            operation, Params={"Bucket": self.bucket, **params}, ExpiresIn=seconds
        )

    async def _life(self, wanted: timedelta) -> int:
        """Give the whole seconds that a URL signed now can live."""
        seconds = min(max(int(wanted.total_seconds()), 1), MAX_URL_SECONDS)
        credentials = await self.session.get_credentials()
        if credentials is None:  # signing says so
            return seconds
        # First, as this renews what is about to end.
        await credentials.get_frozen_credentials()
        # Only credentials that are renewed have an end, and no public name for it.
        ends_at: datetime | None = getattr(credentials, "_expiry_time", None)
        if ends_at is None:
            return seconds
        left = int((ends_at - datetime.now(UTC)).total_seconds())
        if left < 1:
            raise StoreUnavailableError
        return min(seconds, left)


def _end_of(url: str) -> datetime:
    query = parse_qs(urlsplit(url).query)
    signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed_at + timedelta(seconds=int(query["X-Amz-Expires"][0]))
