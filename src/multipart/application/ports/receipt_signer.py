"""Port: sign receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ...domain.receipt import Receipt


class ReceiptSigner(Protocol):
    """Signs receipts with a private key, whose public key anybody may read."""

    @property
    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """The public keys as JSON Web Keys (RFC 7517): the one that signs, then earlier ones."""
        ...

    def sign(self, receipt: Receipt) -> str:
        """Return a compact JWS. The same receipt and key give the same text in every process."""
        ...
