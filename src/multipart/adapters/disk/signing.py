"""Signed URLs and forms of the folder: an HMAC over everything that the request may do."""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from ...application.ports import NewObject
from .descriptions import UploadDescription

MAX_LIFETIME: Final = timedelta(days=7)
ROUTE: Final = "/objects/"


class SignatureError(Exception):
    """The request is not signed, its signature is wrong, or it has expired."""


@dataclass(frozen=True, slots=True)
class FormPolicy:
    """What a signed form may store."""

    upload: UploadDescription
    max_size: int
    expires: int


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs and verifies with one secret; `public_url` is where clients reach the service."""

    secret: bytes
    public_url: str

    def sign_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        length: int | None,
        expires: int,
        checksum: str | None = None,
    ) -> str:
        """Return the URL for the PUT of a part, of this length and checksum unless None."""
        terms = {"uploadId": upload_id, "partNumber": str(number)}
        if length is not None:
            terms["length"] = str(length)
        if checksum is not None:
            terms["checksum"] = checksum
        return self._url("PUT", key, terms, expires)

    def sign_get(self, key: str, expires: int) -> str:
        """Return the URL for the GET of an object."""
        return self._url("GET", key, {}, expires)

    def verify(self, method: str, key: str, query: Mapping[str, str]) -> None:
        """Raise SignatureError unless the query was signed for this request and is still valid."""
        terms = {name: value for name, value in query.items() if name != "signature"}
        signature = self._sign(method, key, terms)
        if not hmac.compare_digest(signature.encode(), query.get("signature", "").encode()):
            raise SignatureError
        if time.time() > int(terms["expires"]):
            raise SignatureError

    def sign_form(self, new: NewObject, max_size: int, expires: int) -> dict[str, str]:
        """Return the fields of a form."""
        described = UploadDescription.of(new, datetime.fromtimestamp(0, UTC))
        policy = urlsafe_b64encode(msgspec.json.encode(FormPolicy(described, max_size, expires)))
        text = policy.decode()
        return {"key": new.key, "policy": text, "signature": self._mac("POST", text)}

    def verify_form(self, fields: Mapping[str, str]) -> FormPolicy:
        """Return what the form allows. Raise SignatureError."""
        text = fields.get("policy", "")
        signature = self._mac("POST", text)
        if not hmac.compare_digest(signature.encode(), fields.get("signature", "").encode()):
            raise SignatureError
        policy = msgspec.json.decode(urlsafe_b64decode(text), type=FormPolicy)
        if time.time() > policy.expires or fields.get("key") != policy.upload.key:
            raise SignatureError
        return policy

    def location(self, key: str) -> str:
        """Return the unsigned URL of an object, percent-encoded."""
        return f"{self.public_url}{ROUTE}{quote(key, safe='/~')}"

    def _url(self, method: str, key: str, terms: dict[str, str], expires: int) -> str:
        signed = {**terms, "expires": str(expires)}
        query = urlencode({**signed, "signature": self._sign(method, key, signed)})
        return f"{self.location(key)}?{query}"

    def _sign(self, method: str, key: str, terms: Mapping[str, str]) -> str:
        return self._mac(method, key, *(f"{name}={terms[name]}" for name in sorted(terms)))

    def _mac(self, *parts: str) -> str:
        # As a JSON list, so that no part can pretend to be two.
        return hmac.digest(self.secret, msgspec.json.encode(parts), "sha256").hex()


def limit_expiry(expires_in: timedelta) -> tuple[int, datetime]:
    """Return when a URL expires, as seconds since 1970 and in UTC."""
    seconds = int(time.time()) + max(1, int(min(expires_in, MAX_LIFETIME).total_seconds()))
    return seconds, datetime.fromtimestamp(seconds, UTC)
