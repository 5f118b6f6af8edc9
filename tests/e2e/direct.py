"""Requests sent directly to S3, as clients do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from tests.patience import PATIENCE_SECONDS

# The servers speak plain HTTP, and loading certificates takes longer than most requests.
_OPTIONS: Final[Mapping[str, Any]] = {
    "timeout": PATIENCE_SECONDS,
    "trust_env": False,
    "verify": False,
}


def http_client(base_url: str = "") -> httpx.Client:
    """Create a client for many requests; creating one takes longer than a request."""
    return httpx.Client(base_url=base_url, **_OPTIONS)


def get(url: str) -> httpx.Response:
    return httpx.get(url, **_OPTIONS)


def put(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return httpx.put(url, content=body, headers=headers, **_OPTIONS)


def post_form(url: str, fields: Mapping[str, str], file: bytes) -> httpx.Response:
    return httpx.post(url, data=fields, files={"file": ("x", file)}, **_OPTIONS)
