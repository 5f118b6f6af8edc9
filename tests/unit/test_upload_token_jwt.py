"""Upload tokens as JWT: signed, verified, and refused."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
import pytest

from multipart_upload.adapters.jwt import (
    ASYMMETRIC,
    SYMMETRIC,
    HmacSigner,
    KeySet,
    SecretKeys,
    upload_token_verifier,
)
from multipart_upload.domain.principal import Principal, Scope
from multipart_upload.domain.upload_token import UploadToken
from tests.identities import SigningKey, key_set

SECRET: Final = "0123456789abcdef0123456789abcdef"
OLD: Final = "fedcba9876543210fedcba9876543210"
VERIFIER: Final = upload_token_verifier(SecretKeys([SECRET, OLD]), SYMMETRIC, 0)


def claims(**changes: object) -> dict[str, Any]:
    valid = {"sub": "ada", "jti": "t1", "aud": "multipart-upload", "exp": time.time() + 60}
    return {name: value for name, value in {**valid, **changes}.items() if value is not None}


def full_token() -> UploadToken:
    return UploadToken(
        id="t1",
        user_id="ada",
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5),
        max_size=10,
        content_types=("image/*",),
        max_uploads=3,
        key_prefix="avatars/",
        metadata={"project": "summer"},
    )


@pytest.mark.parametrize("secret", [SECRET, OLD])
async def test_signed_token_is_read_back(secret: str) -> None:
    token = full_token()

    found = await VERIFIER.verify(HmacSigner(secret).sign(token))

    assert found == Principal(user_id="ada", scopes={Scope.UPLOAD}, token=token)


async def test_application_signs_with_its_own_key() -> None:
    key = SigningKey()

    async def read() -> bytes:
        return key_set(key)

    verifier = upload_token_verifier(KeySet(read), ASYMMETRIC, 0)
    headers = {"kid": key.key_id}
    text = jwt.encode(claims(max_uploads=2), key.private, algorithm="ES256", headers=headers)

    found = await verifier.verify(text)

    assert found is not None
    assert found.token is not None
    assert found.token.max_uploads == 2


WRONG: Final[dict[str, dict[str, object]]] = {
    "expired": {"exp": time.time() - 60},
    "without expiry": {"exp": None},
    "endless": {"exp": 1e300},
    "without id": {"jti": None},
    "without user": {"sub": None},
    "other audience": {"aud": "uploads"},
    "not yet valid": {"nbf": time.time() + 3600},
    "size that is no number": {"max_size": "10"},
    "no size": {"max_size": 0},
    "too many uploads": {"max_uploads": 1001},
    "prefix that leaves the folder": {"key_prefix": "../"},
    "prefix with a shard": {"key_prefix": "{shard}/"},
    "type": {"content_types": ["image"]},
    "types that are no list": {"content_types": "image/*"},
    "metadata": {"metadata": {"multipart-upload-id": "x"}},
    "metadata that is no text": {"metadata": {"a": 1}},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_wrong_claims_are_refused(wrong: dict[str, object]) -> None:
    text = jwt.encode(claims(**wrong), SECRET, algorithm="HS256")

    assert await VERIFIER.verify(text) is None


@pytest.mark.parametrize(
    "text",
    [
        jwt.encode(claims(), "another-secret-of-thirty-two-bytes", algorithm="HS256"),
        jwt.encode(claims(), SECRET * 2, algorithm="HS512"),
        jwt.encode(claims(), "", algorithm="none"),
        "",
    ],
)
async def test_forged_token_is_refused(text: str) -> None:
    assert await VERIFIER.verify(text) is None
