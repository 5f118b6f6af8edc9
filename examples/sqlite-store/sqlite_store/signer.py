"""Signed URLs: the terms of a request with an HMAC over them."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

MAX_LIFETIME = timedelta(days=7)
ROUTE = "/objects/"


class WrongTokenError(Exception):
    """The token is not signed by us, or it has expired."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one secret, the same in every process."""

    secret: bytes
    public_url: str

    def locate(self, key: str) -> str:
        """Return the URL of an object."""
        return f"{self.public_url}{ROUTE}{quote(key)}"

    def sign(self, terms: Mapping[str, Any], expires_at: datetime) -> str:
        """Return a token that carries the terms."""
        text = json.dumps({**terms, "expires": expires_at.timestamp()})
        encoded = urlsafe_b64encode(text.encode()).decode()
        return f"{encoded}.{self._mac(encoded)}"

    def verify(self, token: str) -> dict[str, Any]:
        """Return the terms of a token. Raise WrongTokenError."""
        encoded, _, mac = token.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(encoded).encode()):
            raise WrongTokenError
        terms: dict[str, Any] = json.loads(urlsafe_b64decode(encoded))
        if time.time() > terms["expires"]:
            raise WrongTokenError
        return terms

    def _mac(self, text: str) -> str:
        return hmac.digest(self.secret, text.encode(), "sha256").hex()


def expiry(expires_in: timedelta) -> datetime:
    """Return when a URL expires, at most MAX_LIFETIME from now."""
    return datetime.now(UTC) + min(expires_in, MAX_LIFETIME)
