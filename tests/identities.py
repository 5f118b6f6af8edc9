"""An identity provider's keys and tokens, made in the test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

ISSUER: Final = "https://login.example.org"
AUDIENCE: Final = "uploads"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair of the provider, with its id."""

    key_id: str = field(default_factory=lambda: uuid4().hex)
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def jwk(self) -> dict[str, Any]:
        public = json.loads(ECAlgorithm.to_jwk(self.private.public_key()))
        return {**public, "kid": self.key_id, "use": "sig", "alg": "ES256"}

    @property
    def private_jwk(self) -> dict[str, Any]:
        private = json.loads(ECAlgorithm.to_jwk(self.private))
        return {**private, "kid": self.key_id, "use": "sig", "alg": "ES256"}

    @property
    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, **claims: object) -> str:
        """Sign a token for alice that is valid for an hour, with these claims instead."""
        return jwt.encode(
            token_claims(**claims), self.private, algorithm="ES256", headers={"kid": self.key_id}
        )


def token_claims(**claims: object) -> dict[str, Any]:
    """Return the claims of a valid token; None removes one."""
    valid = {"sub": "alice", "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 3600}
    return {name: value for name, value in {**valid, **claims}.items() if value is not None}


def key_set(*keys: SigningKey, more: tuple[dict[str, Any], ...] = ()) -> bytes:
    """Return the JSON Web Key Set of these keys."""
    return json.dumps({"keys": [*(key.jwk for key in keys), *more]}).encode()


def hmac_token(secret: bytes, key_id: str) -> str:
    """Sign a valid token with a public key as HMAC secret, as an attacker would."""

    # By hand: PyJWT refuses to use a public key so.
    def encode(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    header = encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": key_id}).encode())
    signed = header + b"." + encode(json.dumps(token_claims()).encode())
    return (signed + b"." + encode(hmac.digest(secret, signed, hashlib.sha256))).decode()


def unsigned_token() -> str:
    """Return a valid token with `alg: none`."""
    return jwt.encode(token_claims(), key="", algorithm="none")
