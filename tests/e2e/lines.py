"""Services whose lines to their servers a test has in hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.servers.s3_proxy import S3Proxy

from .bucket import Bucket


def through(line: S3Proxy, bucket: Bucket) -> dict[str, str]:
    """Give the settings with which a service asks S3 through the proxy.

    Its clients send their parts to S3 itself.
    """
    public = {"S3_PUBLIC_ENDPOINT_URL": bucket.server.endpoint_url}
    return {**bucket.settings, **public, "S3_ENDPOINT_URL": line.url}


def put(http: httpx.Client, signed: Mapping[str, Any], body: bytes) -> str:
    """Send a part on its signed URL, and give the ETag."""
    sent = http.put(signed["signed_url"], content=body, headers=signed["headers"])
    return sent.raise_for_status().headers["etag"]


def at_once(calls: list[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Make all calls at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))
