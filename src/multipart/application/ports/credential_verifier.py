"""Port: verify what callers present to prove who they are."""

from __future__ import annotations

from typing import Protocol

from ...domain.principal import Principal


class CredentialVerifier(Protocol):
    """Knows one kind of credential, such as the tokens of an identity provider."""

    async def verify(self, secret: str) -> Principal | None:
        """Return whose credential this is; None if it is of another kind or not valid.

        Raise UnavailableError if the answer depends on a system that does not answer.
        """
        ...
