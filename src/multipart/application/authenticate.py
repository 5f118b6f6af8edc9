"""Find out who presents a credential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..domain.errors import InvalidCredentialsError
from ..domain.principal import Principal
from .ports import CredentialVerifier


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Ask each verifier in turn. Raise InvalidCredentialsError if none accepts the credential."""

    verifiers: Sequence[CredentialVerifier]

    async def __call__(self, secret: str) -> Principal:
        for verifier in self.verifiers:
            if principal := await verifier.verify(secret):
                return principal
        raise InvalidCredentialsError
