"""Presign URLs by AWS Signature Version 4.

docs/adr/0001-own-presigner.md explains why botocore does not sign them.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SERVICE: Final = "s3"
_TERMINATOR: Final = "aws4_request"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, eq=False)
class SigningContext:
    """Credentials, region, time and lifetime: what URLs signed in one second share.

    Compared by identity: `_part_signer` has it as the key of a cache.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    region: str
    signed_at: datetime
    lifetime_seconds: int

    @cached_property
    def expires_at(self) -> datetime:
        return self.signed_at + timedelta(seconds=self.lifetime_seconds)

    @cached_property
    def query(self) -> str:
        """Query parameters of every URL, sorted by name up to X-Amz-SignedHeaders."""
        credential = quote(f"{self.access_key_id}/{self._scope}", safe="")
        query = (
            f"X-Amz-Algorithm={_ALGORITHM}&X-Amz-Credential={credential}"
            f"&X-Amz-Date={self._timestamp}&X-Amz-Expires={self.lifetime_seconds}"
        )
        if self.session_token is None:
            return query
        return f"{query}&X-Amz-Security-Token={quote(self.session_token, safe='')}"

    def sign(self, request_hash: str) -> str:
        """Sign the hash of a canonical request."""
        # A copy is 0.8 us cheaper than a new HMAC.
        signature = self._hmac.copy()
        signature.update(request_hash.encode())
        return signature.hexdigest()

    @cached_property
    def _hmac(self) -> hmac.HMAC:
        key = f"AWS4{self.secret_access_key}".encode()
        for part in self._scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        prefix = f"{_ALGORITHM}\n{self._timestamp}\n{self._scope}\n"
        return hmac.new(key, prefix.encode(), "sha256")

    @property
    def _timestamp(self) -> str:
        return f"{self.signed_at:%Y%m%dT%H%M%SZ}"

    @property
    def _scope(self) -> str:
        return f"{self.signed_at:%Y%m%d}/{self.region}/{_SERVICE}/{_TERMINATOR}"


class UrlSigner:
    """Presign URLs that differ only in their last query parameters.

    `headers` are those that the client must send, by their names in lower case.
    """

    def __init__(
        self,
        context: SigningContext,
        method: str,
        origin: str,
        path: str,
        headers: Mapping[str, str],
    ) -> None:
        signed = sorted({**headers, "host": _host_header(origin)}.items())
        names = ";".join(name for name, _ in signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed)
        query = f"{context.query}&X-Amz-SignedHeaders={names.replace(';', '%3B')}"
        self._sign = context.sign
        self._url = f"{origin}{path}?{query}"
        self._request = sha256(f"{method}\n{path}\n{query}".encode())
        self._request_end = f"\n{lines}\n{names}\nUNSIGNED-PAYLOAD"

    def sign(self, query: str = "") -> str:
        """Return the URL with more query parameters, each with `&` before it.

        They must be percent-encoded and sorted, and their names must sort after `X-Amz-`.
        """
        request = self._request.copy()
        request.update(f"{query}{self._request_end}".encode())
        return f"{self._url}{query}&X-Amz-Signature={self._sign(request.hexdigest())}"


@lru_cache(maxsize=8)
def _host_header(origin: str) -> str:
    """Return the Host header that HTTP clients send: lower case, without a default port."""
    parts = urlsplit(origin)
    host = f"[{parts.hostname}]" if "[" in parts.netloc else f"{parts.hostname}"
    is_default = parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)}
    return host if is_default else f"{host}:{parts.port}"
