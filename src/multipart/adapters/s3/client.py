"""Make the sessions and clients of aiobotocore."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session

from .errors import REQUEST_SECONDS
from .limits import MAX_PART_COUNT
from .part_xml import use_fast_parsing

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_CONNECT_SECONDS: Final = 1.5
# One retry: a kept-alive connection that S3 has closed costs the first attempt.
_ATTEMPTS: Final = 2
_CONNECTIONS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config:
    """Where the bytes are stored; without static keys the usual AWS credential chain applies.

    `endpoint_url` is None for AWS. `public_endpoint_url` is the endpoint that clients see, if it
    differs from the service's own. `max_parts` and `equal_part_sizes` are where stores differ.
    """

    bucket: str
    region: str
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    endpoint_url: str | None = None
    public_endpoint_url: str | None = None
    max_parts: int = MAX_PART_COUNT
    equal_part_sizes: bool = False


def create_session(config: S3Config) -> AioSession:
    """Return a session whose clients share credentials, which it renews."""
    session = get_session()
    use_fast_parsing(session)
    if config.access_key_id is not None and config.secret_access_key is not None:
        session.set_credentials(
            config.access_key_id, config.secret_access_key, config.session_token
        )
    return session


def open_client(
    session: AioSession,
    config: S3Config,
    *,
    read_timeout: float = REQUEST_SECONDS,
    attempts: int = _ATTEMPTS,
) -> AbstractAsyncContextManager[S3Client]:
    """Open a client for the service's own endpoint, without a request to S3."""
    settings = client_settings(config.endpoint_url).merge(
        AioConfig(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=read_timeout,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=_CONNECTIONS,
        )
    )
    return session.create_client(
        "s3", region_name=config.region, endpoint_url=config.endpoint_url, config=settings
    )


def client_settings(endpoint_url: str | None) -> AioConfig:
    """Return the settings that determine the form of requests."""
    return AioConfig(
        # Without it botocore signs URLs by version 2, which newer regions refuse.
        signature_version="s3v4",
        # "virtual" gives the region's own host: the global one redirects requests to new buckets,
        # which breaks a browser's preflight. Other stores seldom have a host per bucket.
        s3={"addressing_style": "virtual" if endpoint_url is None else "path"},
        # Other stores refuse checksums that they do not know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
