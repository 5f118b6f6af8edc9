"""Presigned part URLs on the host that clients see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from aiobotocore.session import AioSession
from botocore.exceptions import NoCredentialsError
from botocore.session import get_session

from ...application.ports import SignedPart, SignedParts
from ...domain.checksum import CHECKSUM_HEADER
from ...domain.errors import StoreUnavailableError
from ...domain.part_plan import PartPlan
from .client import S3Config, client_settings
from .errors import REQUEST_SECONDS, await_answer, translate_errors
from .limits import MAX_URL_SECONDS
from .sigv4 import SigningContext, UrlSigner

if TYPE_CHECKING:
    from botocore.loaders import Loader

_ANY_KEY: Final = "any/key"
_ONE_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class BucketUrl:
    """Where clients reach the bucket, and the region that signs for it.

    Compared by identity: `_part_signer` has it as the key of a cache.
    """

    origin: str
    path: str
    region: str

    def path_of(self, key: str) -> str:
        """Return the path of an object, percent-encoded."""
        return f"{self.path}{quote(key, safe='/~')}"


def resolve_bucket_url(config: S3Config, loader: Loader | None = None) -> BucketUrl:
    """Return the bucket's public URL without a request to S3.

    With `loader`, botocore need not read its description of S3 again.
    """
    # Only botocore knows which bucket names fit into a host name, the hosts of all partitions, and
    # the region of "aws-global". The real credentials may not be there yet, so use a dummy.
    session = get_session()
    session.set_credentials("unused", "unused")
    if loader is not None:
        session.register_component("data_loader", loader)
    endpoint_url = config.public_endpoint_url or config.endpoint_url
    client: Any = session.create_client(
        "s3",
        region_name=config.region,
        endpoint_url=endpoint_url,
        config=client_settings(endpoint_url),
    )
    signed = client.generate_presigned_url(
        "get_object", Params={"Bucket": config.bucket, "Key": _ANY_KEY}
    )
    client.close()
    url = urlsplit(signed)
    _, _, region, *_ = parse_qs(url.query)["X-Amz-Credential"][0].split("/")
    return BucketUrl(f"{url.scheme}://{url.netloc}", url.path.removesuffix(_ANY_KEY), region)


def public_origin(config: S3Config) -> str:
    """Return scheme, host and port of every URL that clients are sent to."""
    endpoint_url = config.public_endpoint_url or config.endpoint_url
    if endpoint_url is None:
        return resolve_bucket_url(config).origin
    url = urlsplit(endpoint_url)
    return f"{url.scheme}://{url.netloc}"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Presigner:
    """Sign with the session's credentials, which are read again every second."""

    session: AioSession
    bucket_url: BucketUrl
    now: Callable[[], datetime] = _utc_now
    _last: tuple[timedelta, SigningContext] | None = field(init=False, default=None)

    async def sign_part(
        self,
        key: str,
        store_upload_id: str,
        part_number: int,
        expires_in: timedelta,
        content_length: int | None,
        checksum: str | None = None,
    ) -> SignedPart:
        """Sign a PUT of one part; see ObjectStore.sign_part."""
        context = await self.signing_context(expires_in)
        headers = {} if content_length is None else {"Content-Length": str(content_length)}
        if checksum is None:
            sign = _part_signer(context, self.bucket_url, key, store_upload_id, content_length)
        else:
            headers[CHECKSUM_HEADER] = checksum
            # Not cached: no other part has this checksum.
            sign = _make_part_signer(context, self.bucket_url, key, store_upload_id, headers)
        return SignedPart(sign(part_number), headers, context.expires_at)

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        expires_in: timedelta,
        plan: PartPlan | None,
    ) -> SignedParts:
        """Sign PUTs of many parts; see ObjectStore.sign_parts."""
        context = await self.signing_context(expires_in)
        signer = partial(_part_signer, context, self.bucket_url, key, store_upload_id)
        sign = signer(None) if plan is None else _sign_planned(plan, signer)
        return SignedParts(part_numbers, sign, context.expires_at)

    def location(self, key: str) -> str:
        """Return the unsigned URL of an object, percent-encoded."""
        return f"{self.bucket_url.origin}{self.bucket_url.path_of(key)}"

    async def signing_context(self, expires_in: timedelta) -> SigningContext:
        """Return the context for signing now; it may expire earlier, see ObjectStore.sign_part."""
        now = self.now()
        if self._last is not None:
            lifetime, context = self._last
            age = now - context.signed_at
            if lifetime == expires_in and timedelta(0) <= age < _ONE_SECOND:
                return context
        # Signing needs no answer from S3, but the credentials may be due for renewal.
        async with translate_errors(REQUEST_SECONDS):
            context = await self._create_context(now.replace(microsecond=0), expires_in)
        self._last = (expires_in, context)
        return context

    async def _create_context(self, signed_at: datetime, expires_in: timedelta) -> SigningContext:
        credentials = await await_answer(self.session.get_credentials())
        if credentials is None:
            raise NoCredentialsError
        # Before the expiry is read, as this renews credentials that are about to expire.
        frozen = await await_answer(credentials.get_frozen_credentials())
        seconds = min(max(int(expires_in.total_seconds()), 1), MAX_URL_SECONDS)
        # Only renewable credentials expire, and botocore has no public name for the time.
        expiry: datetime | None = getattr(credentials, "_expiry_time", None)
        if expiry is not None:
            seconds = min(seconds, int((expiry - signed_at).total_seconds()))
        if seconds < 1:
            raise StoreUnavailableError
        return SigningContext(
            # botocore's types allow None, its credential providers do not.
            access_key_id=frozen.access_key or "",
            secret_access_key=frozen.secret_key or "",
            session_token=frozen.token,
            region=self.bucket_url.region,
            signed_at=signed_at,
            lifetime_seconds=seconds,
        )


def _sign_planned(
    plan: PartPlan, signer: Callable[[int], Callable[[int], str]]
) -> Callable[[int], str]:
    last = plan.part_count
    sign_full, sign_last = signer(plan.part_size), signer(plan.size_of(last))
    return lambda number: sign_last(number) if number == last else sign_full(number)


# Preparing a signer takes twice as long as signing, and a client signs many parts in sequence.
@lru_cache(maxsize=1024)
def _part_signer(
    context: SigningContext,
    bucket_url: BucketUrl,
    key: str,
    store_upload_id: str,
    content_length: int | None,
) -> Callable[[int], str]:
    """Return the function that signs the URL of a part number."""
    headers = {} if content_length is None else {"content-length": str(content_length)}
    return _make_part_signer(context, bucket_url, key, store_upload_id, headers)


def _make_part_signer(
    context: SigningContext,
    bucket_url: BucketUrl,
    key: str,
    store_upload_id: str,
    headers: Mapping[str, str],
) -> Callable[[int], str]:
    signed = {name.lower(): value for name, value in headers.items()}
    signer = UrlSigner(context, "PUT", bucket_url.origin, bucket_url.path_of(key), signed)
    upload_id = quote(store_upload_id, safe="")

    def sign(part_number: int) -> str:
        return signer.sign(f"&partNumber={part_number}&uploadId={upload_id}")

    return sign
