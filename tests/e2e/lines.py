"""Services whose lines to their servers a test has in hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx

from tests.servers.s3_proxy import S3Proxy

from .bucket import Bucket

WAIT_SECONDS: Final = 30.0


def through(line: S3Proxy, bucket: Bucket) -> dict[str, str]:
    """Give the settings with which a service asks S3 through the proxy.

    Its clients send their parts to S3 itself.
    """
    public = {"S3_PUBLIC_ENDPOINT_URL": bucket.server.endpoint_url}
    return {**bucket.settings, **public, "S3_ENDPOINT_URL": line.url}


def http_client() -> httpx.Client:
    """Make a client of S3 itself: one for many parts, as making one takes longer than a part."""
    return httpx.Client(trust_env=False, verify=False, timeout=WAIT_SECONDS)  # noqa: S501


def put(http: httpx.Client, signed: Mapping[str, Any], body: bytes) -> str:
    """Send a part on its signed URL, and give the ETag."""
    sent = http.put(signed["signed_url"], content=body, headers=signed["headers"])
    return sent.raise_for_status().headers["etag"]


def at_once(calls: list[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Make all calls at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def wait_until(condition: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait for what must come to pass, for so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
