"""Services that reach S3 through a proxy with faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.servers.s3_proxy import S3Proxy

from .bucket import Bucket


def settings_through(proxy: S3Proxy, bucket: Bucket) -> dict[str, str]:
    """Return the settings of a service that reaches S3 through the proxy.

    Clients send their parts directly to S3.
    """
    public = {"S3_PUBLIC_ENDPOINT_URL": bucket.server.endpoint_url}
    return {**bucket.settings, **public, "S3_ENDPOINT_URL": proxy.url}


def put(http: httpx.Client, signed: Mapping[str, Any], body: bytes) -> str:
    """PUT a part to its signed URL. Return the ETag."""
    sent = http.put(signed["signed_url"], content=body, headers=signed["headers"])
    return sent.raise_for_status().headers["etag"]


def at_once(calls: list[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Make all calls concurrently."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))
