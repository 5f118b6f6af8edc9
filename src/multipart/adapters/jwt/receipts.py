"""Receipts as JWS, signed with Ed25519 (EdDSA, RFC 8037)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC
from hashlib import sha256
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ...domain.receipt import Receipt, ReceiptKey

TYPE: Final = "upload-receipt+jwt"
"""`typ` of a receipt, so that no other token is taken for one (RFC 8725 3.11)."""
ALGORITHM: Final = "EdDSA"
_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


class ReceiptKeyError(ValueError):
    """A text has no usable keys; the message contains nothing of it."""


class ReceiptKeys:
    """A private key that signs, and the public keys that verify: its own and earlier ones."""

    def __init__(self, private: Ed25519PrivateKey, earlier: Sequence[Ed25519PublicKey]) -> None:
        self._private = private
        self.public = [private.public_key(), *earlier]

    @classmethod
    def read(cls, text: str) -> ReceiptKeys:
        """Read one or more keys in PEM: the first signs, later ones may be private or public.

        Raise ReceiptKeyError.
        """
        blocks = [found[0] for found in _BLOCK.finditer(text)]
        try:
            private = load_pem_private_key(blocks[0].encode(), password=None) if blocks else None
            earlier = [_read_public(block) for block in blocks[1:]]
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # Their messages may quote the text.
            private, earlier = None, []
        if not isinstance(private, Ed25519PrivateKey):
            msg = (
                "must be an Ed25519 private key in PEM without a password, such as "
                "`openssl genpkey -algorithm ed25519` prints; earlier keys may follow it"
            )
            raise ReceiptKeyError(msg) from None
        return cls(private, earlier)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the compact JWS of the claims."""
        header = {"kid": key_id(self.public[0]), "typ": TYPE}
        return jwt.encode(dict(claims), self._private, algorithm=ALGORITHM, headers=header)


class Ed25519ReceiptSigner:
    """Signs receipts in the name of an issuer."""

    def __init__(
        self, keys: ReceiptKeys, issuer: str, bucket: str, earlier: Sequence[ReceiptKeys] = ()
    ) -> None:
        self._keys, self._issuer, self._bucket = keys, issuer, bucket
        public = [key for more in (keys, *earlier) for key in more.public]
        by_id = {key_id(key): to_jwk(key) for key in public}
        self.public_keys: Sequence[Mapping[str, str]] = list(by_id.values())

    def sign(self, receipt: Receipt) -> str:
        """Return the JWS of a receipt."""
        completed_at = receipt.completed_at.astimezone(UTC).isoformat(timespec="milliseconds")
        claims = {
            "iss": self._issuer,
            "sub": receipt.user_id,
            "upload_id": receipt.upload_id,
            "bucket": self._bucket,
            "key": receipt.key,
            "location": receipt.location,
            "size": receipt.size,
            "etag": receipt.etag,
            "checksum_crc64nvme": receipt.checksum_crc64nvme,
            # Not `iat`: a verifier whose clock is behind would refuse it.
            "completed_at": completed_at.replace("+00:00", "Z"),
        }
        return self._keys.sign({name: value for name, value in claims.items() if value is not None})


def create_receipt_key() -> ReceiptKey:
    """Create a random private key."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ReceiptKey(pem.decode())


def to_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """Return a public key as JSON Web Key."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": _encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)),
        "kid": key_id(key),
        "use": "sig",
        "alg": ALGORITHM,
    }


def key_id(key: Ed25519PublicKey) -> str:
    """Return the thumbprint of a key (RFC 7638): the same wherever it is computed."""
    x = _encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return _encode(sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


def _read_public(block: str) -> Ed25519PublicKey:
    pem = block.encode()
    is_private = "PRIVATE" in block.partition("\n")[0]
    key = load_pem_private_key(pem, password=None) if is_private else load_pem_public_key(pem)
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    if not isinstance(public, Ed25519PublicKey):
        msg = "no Ed25519 key"
        raise TypeError(msg)
    return public


def _encode(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
