"""Find out who presents a credential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..domain.errors import InvalidCredentialsError, UnavailableError
from ..domain.principal import Principal
from .ports import CredentialVerifier


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Ask each verifier in turn.

    Raise InvalidCredentialsError if none accepts the credential, and UnavailableError if one of
    them does not know.
    """

    verifiers: Sequence[CredentialVerifier]

    async def __call__(self, secret: str) -> Principal:
        unknown: UnavailableError | None = None
        for verifier in self.verifiers:
            try:
                if principal := await verifier.verify(secret):
                    return principal
            except UnavailableError as exc:
                unknown = exc
        raise unknown or InvalidCredentialsError
