"""Clients of one bucket, as the adapter needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session

from ...application.ports import ObjectStore
from ...application.task_cancellation import close_in_time
from .errors import QUICK_SECONDS
from .object_store import COMPLETE_SECONDS, S3ObjectStore
from .part_xml import use_part_xml
from .presigner import Presigner
from .times import parsed_time

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_CONNECT_SECONDS: Final = 1.5
# The first try and one more: a kept connection that S3 has closed in the meantime costs one.
_ATTEMPTS: Final = 2
_CONNECTIONS: Final = 100
_ANY_KEY: Final = "any/key"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config:
    """Where the bytes are kept; without static keys the usual AWS credential chain applies.

    `endpoint_url` is None for AWS. `public_endpoint_url` is the host that clients see, if it is
    another than the service's.
    """

    bucket: str
    region: str
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    endpoint_url: str | None = None
    public_endpoint_url: str | None = None


@asynccontextmanager
async def open_s3_store(config: S3Config) -> AsyncIterator[ObjectStore]:
    """Open the bucket, asking S3 nothing yet, and close its connections in the end."""
    session = s3_session(config)
    presigner = await open_presigner(session, config)
    clients = AsyncExitStack()
    try:
        quick = await clients.enter_async_context(s3_client(session, config))
        # Never repeated blindly: versitygw answers 200 to the repetition of a complete amid which
        # it was killed, and has no object. Our own looks at the parts and the object first.
        patient = await clients.enter_async_context(
            s3_client(session, config, read_timeout=COMPLETE_SECONDS, attempts=1)
        )
        yield S3ObjectStore(config.bucket, quick, patient, presigner)
    finally:
        await close_in_time("S3", clients.aclose())


async def open_presigner(session: AioSession, config: S3Config) -> Presigner:
    """Make what signs for the host that clients see, nobody being asked."""
    # botocore alone knows when a bucket's name goes into the host, how partitions are named and
    # which region signs for all of AWS. By nobody's credentials: ours may take a while to come.
    nobody = AioSession()
    nobody.set_credentials("nobody", "nothing")
    # Its descriptions of S3 are read once for all.
    nobody.register_component("data_loader", session.get_component("data_loader"))
    endpoint_url = config.public_endpoint_url or config.endpoint_url
    async with s3_client(nobody, config, endpoint_url=endpoint_url) as client:
        url = await client.generate_presigned_url(
            "get_object", Params={"Bucket": config.bucket, "Key": _ANY_KEY}
        )
    parts = urlsplit(url)
    _, _, region, *_ = parse_qs(parts.query)["X-Amz-Credential"][0].split("/")
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.removesuffix(_ANY_KEY)
    return Presigner(session, config.bucket, origin, path, region)


def s3_session(config: S3Config) -> AioSession:
    """Make what finds and renews the credentials of all clients."""
    session = get_session()
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=parsed_time)
    use_part_xml(session)
    if config.access_key_id is not None and config.secret_access_key is not None:
        session.set_credentials(
            config.access_key_id, config.secret_access_key, config.session_token
        )
    return session


def s3_client(
    session: AioSession,
    config: S3Config,
    *,
    endpoint_url: str | None = None,
    read_timeout: float = QUICK_SECONDS,
    attempts: int = _ATTEMPTS,
) -> AbstractAsyncContextManager[S3Client]:
    """Make a client for the service's own endpoint, or for another one."""
    url = endpoint_url or config.endpoint_url
    settings = AioConfig(
        # Without it botocore signs URLs by version 2, which newer regions refuse.
        signature_version="s3v4",
        # "virtual" names the region's own host: the global one redirects new buckets, which
        # breaks a browser's preflight. Other stores seldom have a host per bucket.
        s3={"addressing_style": "virtual" if url is None else "path"},
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=_CONNECTIONS,
        # Other stores refuse checksums that they do not know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.create_client("s3", region_name=config.region, endpoint_url=url, config=settings)
