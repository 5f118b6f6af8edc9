"""AWS's signature version 4 in a URL's query, prepared for many URLs that differ in little.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SERVICE: Final = "s3"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_BLOCK: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Who signs, for which region, at what time and for how many seconds."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)
    region: str
    signed_at: datetime
    seconds: int

    @property
    def stamp(self) -> str:
        """Give the time as it is signed."""
        return f"{self.signed_at:%Y%m%dT%H%M%SZ}"

    @property
    def day(self) -> str:
        """Give the day for which a key is derived."""
        return self.stamp[:8]

    @property
    def scope(self) -> str:
        """Name what the derived key is good for."""
        return f"{self.day}/{self.region}/{_SERVICE}/aws4_request"


def signed_names(grant: Grant) -> dict[str, str]:
    """Give what a form tells of its grant, by S3's names of the fields."""
    token = {} if grant.token is None else {"x-amz-security-token": grant.token}
    return {
        "x-amz-algorithm": _ALGORITHM,
        "x-amz-credential": f"{grant.access_key}/{grant.scope}",
        "x-amz-date": grant.stamp,
        **token,
    }


class Signer:
    """Signs by one grant: what all its URLs share is prepared once."""

    def __init__(self, grant: Grant) -> None:
        stamp, scope = grant.stamp, grant.scope
        self.query = (
            f"X-Amz-Algorithm={_ALGORITHM}"
            f"&X-Amz-Credential={quote(f'{grant.access_key}/{scope}', safe='')}"
            f"&X-Amz-Date={stamp}&X-Amz-Expires={grant.seconds}"
        )
        self.token = (
            "" if grant.token is None else f"&X-Amz-Security-Token={quote(grant.token, safe='')}"
        )
        # HMAC, RFC 2104, by its definition: its two hashes are fed what never changes once, and
        # copied, which halves the time of a signature. Python's own cannot be copied as cheaply.
        key = signing_key(grant.secret_key, grant.day, grant.region).ljust(_BLOCK, b"\0")
        self._inner = sha256(key.translate(_INNER))
        self._inner.update(f"{_ALGORITHM}\n{stamp}\n{scope}\n".encode())
        self._outer = sha256(key.translate(_OUTER))

    def signature(self, hashed_request: str) -> str:
        """Sign the hash of a canonical request."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(hashed_request.encode())
        outer.update(inner.digest())
        return outer.hexdigest()


class UrlSigner:
    """Signs URLs on one method, origin and path.

    They may differ in parameters whose names sort behind `X-Amz-`, as all of S3's own do, and in
    the values of `headers`, the names of those that are signed beside the host's, in order.
    """

    def __init__(self, signer: Signer, method: str, origin: str, path: str, *headers: str) -> None:
        names = ";".join((*headers, "host"))
        signed = f"&X-Amz-SignedHeaders={names.replace(';', '%3B')}"
        self._signature = signer.signature
        self._url = f"{origin}{path}?"
        # What is signed is sorted; the URL has botocore's order, to be the same to the byte.
        self._query = f"{signer.query}{signed}{signer.token}&X-Amz-Signature="
        self._request = sha256(f"{method}\n{path}\n{signer.query}{signer.token}{signed}".encode())
        self._rest = f"host:{_host(origin)}\n\n{names}\nUNSIGNED-PAYLOAD"

    def sign(self, query: str = "", sorted_query: str = "", headers: str = "") -> str:
        """Give the URL with the parameters `query`, each with `&` behind it.

        `sorted_query` has the same by name, each with `&` before it; `headers` are lines that sort
        before the host's.
        """
        request = self._request.copy()
        request.update(f"{sorted_query}\n{headers}{self._rest}".encode())
        return f"{self._url}{query}{self._query}{self._signature(request.hexdigest())}"


@lru_cache(maxsize=8)
def signing_key(secret_key: str, day: str, region: str) -> bytes:
    """Derive the key of a day; a few are kept, for midnight and for credentials that rotate."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, _SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), sha256)
    return key


@lru_cache(maxsize=8)
def _host(origin: str) -> str:
    """Write the host as HTTP clients send it: in lower case, without the scheme's own port."""
    parts = urlsplit(origin)
    host = f"[{parts.hostname}]" if "[" in parts.netloc else f"{parts.hostname}"
    if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)):
        return host
    return f"{host}:{parts.port}"
