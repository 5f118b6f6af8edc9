"""Port: the key that signs receipts, if the settings give none."""

from __future__ import annotations

from typing import Protocol

from ...domain.receipt import ReceiptKey


class ReceiptKeyRepository(Protocol):
    """Stores one key, which never changes once it is stored.

    Both methods raise RepositoryUnavailableError if there is no answer.
    """

    async def find_key(self) -> ReceiptKey | None:
        """Read the key, None if there is none."""
        ...

    async def add_key(self, new: ReceiptKey) -> ReceiptKey:
        """Store the key unless there is one. Return the stored key.

        Of the callers that race, all get the same key.
        """
        ...
