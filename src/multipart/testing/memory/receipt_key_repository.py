"""The key of receipts in memory, for tests."""

from __future__ import annotations

from ...domain.receipt import ReceiptKey


class MemoryReceiptKeyRepository:
    """Keeps the key in this process."""

    def __init__(self) -> None:
        self._key: ReceiptKey | None = None

    async def find_key(self) -> ReceiptKey | None:
        """Read the key."""
        return self._key

    async def add_key(self, new: ReceiptKey) -> ReceiptKey:
        """Store the key unless there is one."""
        if self._key is None:
            self._key = new
        return self._key
