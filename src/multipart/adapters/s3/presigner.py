"""URLs on the host that clients see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from aiobotocore.session import AioSession
from botocore.exceptions import NoCredentialsError

from ...application.ports import NewObject, SignedPart, SignedParts, SignedPost
from ...domain.errors import StoreUnavailableError
from ...domain.limits import MAX_URL_SECONDS
from .errors import QUICK_SECONDS, answered, ask
from .post_form import signed_post
from .sigv4 import Grant, Signer, UrlSigner

_SECOND: Final = timedelta(seconds=1)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Second:
    """What all URLs share that are signed in one second to live equally long."""

    def __init__(self, grant: Grant, wanted: timedelta) -> None:
        self.signed_at = grant.signed_at
        self.ends_at = grant.signed_at + _SECOND
        self.expires_at = grant.signed_at + timedelta(seconds=grant.seconds)
        self.wanted = wanted
        self.signer = Signer(grant)
        self.part_signers: dict[tuple[str, str, bool], _PartSigner] = {}


class _PartSigner:
    """What all parts of an upload share."""

    def __init__(self, url_signer: UrlSigner, store_upload_id: str) -> None:
        self._sign = url_signer.sign
        self._upload_id = quote(store_upload_id, safe="")

    def sign(self, number: int, headers: str = "") -> str:
        """Give the URL of a part."""
        return self._sign(
            # In botocore's order, then in that of signing.
            f"uploadId={self._upload_id}&partNumber={number}&",
            f"&partNumber={number}&uploadId={self._upload_id}",
            headers,
        )


@dataclass(slots=True)
class Presigner:
    """Signs with the session's credentials, asking for them anew each second.

    An object's URL is `origin`, `path` and its key. The signed URLs are botocore's to the byte;
    botocore takes fifty times as long to make one.
    """

    session: AioSession
    bucket: str
    origin: str
    path: str
    region: str
    now: Callable[[], datetime] = _utc_now
    _second: _Second | None = field(init=False, default=None)

    async def sign_part(
        self,
        key: str,
        store_upload_id: str,
        part_number: int,
        expires_in: timedelta,
        content_length: int | None,
    ) -> SignedPart:
        """Sign a PUT of one part; see ObjectStore.sign_part."""
        second = await self._this_second(expires_in)
        has_length = content_length is not None
        signer = self._part_signer(second, key, store_upload_id, has_length=has_length)
        if content_length is None:
            return SignedPart(signer.sign(part_number), {}, second.expires_at)
        url = signer.sign(part_number, f"content-length:{content_length}\n")
        return SignedPart(url, {"Content-Length": str(content_length)}, second.expires_at)

    async def sign_parts(
        self, key: str, store_upload_id: str, part_numbers: Sequence[int], expires_in: timedelta
    ) -> SignedParts:
        """Sign PUTs of many parts; see ObjectStore.sign_parts."""
        second = await self._this_second(expires_in)
        sign = self._part_signer(second, key, store_upload_id, has_length=False).sign
        return SignedParts(part_numbers, sign, second.expires_at)

    async def sign_post(self, new: NewObject, max_size: int, expires_in: timedelta) -> SignedPost:
        """Sign a form for a whole file; see ObjectStore.sign_post."""
        async with answered(QUICK_SECONDS):
            grant = await self._grant(self.now().replace(microsecond=0), expires_in)
        return signed_post(new, max_size, f"{self.origin}{self.path}", self.bucket, grant)

    def location(self, key: str) -> str:
        """Give the unsigned URL of an object, percent-encoded."""
        return f"{self.origin}{self._path(key)}"

    def _path(self, key: str) -> str:
        return self.path + quote(key, safe="/~")

    def _part_signer(
        self, second: _Second, key: str, store_upload_id: str, *, has_length: bool
    ) -> _PartSigner:
        signed = (key, store_upload_id, has_length)
        signer = second.part_signers.get(signed)
        if signer is None:
            headers = ("content-length",) if has_length else ()
            url_signer = UrlSigner(second.signer, "PUT", self.origin, self._path(key), *headers)
            signer = _PartSigner(url_signer, store_upload_id)
            second.part_signers[signed] = signer
        return signer

    async def _this_second(self, expires_in: timedelta) -> _Second:
        now, second = self.now(), self._second
        if (
            second is None
            or not second.signed_at <= now < second.ends_at
            or second.wanted != expires_in
        ):
            # Signing itself asks nobody, but the credentials may be due for renewal.
            async with answered(QUICK_SECONDS):
                grant = await self._grant(now.replace(microsecond=0), expires_in)
            self._second = second = _Second(grant, expires_in)
        return second

    async def _grant(self, signed_at: datetime, wanted: timedelta) -> Grant:
        credentials = await ask(self.session.get_credentials())
        if credentials is None:
            raise NoCredentialsError
        # First, as this renews what is about to end.
        frozen = await ask(credentials.get_frozen_credentials())
        seconds = min(max(int(wanted.total_seconds()), 1), MAX_URL_SECONDS)
        # Only credentials that are renewed have an end, and no public name for it.
        ends_at: datetime | None = getattr(credentials, "_expiry_time", None)
        if ends_at is not None:
            seconds = min(seconds, int((ends_at - signed_at).total_seconds()))
        if seconds < 1:
            raise StoreUnavailableError
        return Grant(
            # botocore's types allow for None, its providers do not.
            access_key=frozen.access_key or "",
            secret_key=frozen.secret_key or "",
            token=frozen.token,
            region=self.region,
            signed_at=signed_at,
            seconds=seconds,
        )
