"""Every verifier is asked, even if another one does not know."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from multipart_upload.application.authenticate import Authenticate
from multipart_upload.domain.errors import (
    IdentityProviderUnavailableError,
    InvalidCredentialsError,
)
from multipart_upload.domain.principal import Principal, uploader


@dataclass
class Verifier:
    """Accepts one secret, of alice."""

    accepted: str = ""

    async def verify(self, secret: str) -> Principal | None:
        return uploader("alice") if secret == self.accepted else None


class UnavailableVerifier:
    async def verify(self, _: str) -> Principal | None:
        raise IdentityProviderUnavailableError


async def test_second_verifier_is_asked() -> None:
    authenticate = Authenticate([Verifier(), Verifier("key")])

    assert await authenticate("key") == uploader("alice")
    with pytest.raises(InvalidCredentialsError):
        await authenticate("other")


async def test_keys_work_while_the_identity_provider_is_down() -> None:
    authenticate = Authenticate([UnavailableVerifier(), Verifier("key")])

    assert await authenticate("key") == uploader("alice")


async def test_unknown_credential_is_no_refusal_while_the_identity_provider_is_down() -> None:
    authenticate = Authenticate([UnavailableVerifier(), Verifier("key")])

    with pytest.raises(IdentityProviderUnavailableError):
        await authenticate("other")
