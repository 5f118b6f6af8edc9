"""Signed URLs for parts: many at a time, or one by one for their checksums."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final

from .api import ServiceApi
from .models import UploadReference
from .plan import Part
from .store import SignedPart

# Few enough that none expires before its use, even on a slow line.
BATCH: Final = 32


class SignedUrls:
    """Signs the parts in their order of upload, ahead of their use."""

    def __init__(self, api: ServiceApi, reference: UploadReference, numbers: Iterable[int]) -> None:
        self._api, self._reference = api, reference
        self._unsigned = deque(numbers)
        self._signed: dict[int, SignedPart] = {}
        self._lock = asyncio.Lock()

    async def take(self, number: int) -> SignedPart:
        """Return a URL of this part that has not expired."""
        async with self._lock:
            found = self._signed.pop(number, None)
            if found is not None and asyncio.get_running_loop().time() < found.usable_until:
                return found
            self.discard()
            self._signed = await self._api.sign(self._reference, self._next_batch(number))
            return self._signed.pop(number)

    async def sign(self, part: Part, checksum: str) -> SignedPart:
        """Return a URL on which the store accepts only bytes with this checksum."""
        return await self._api.sign_part(self._reference, part.number, part.size, checksum)

    def discard(self) -> None:
        """Discard all URLs: the store has refused one, or they have expired."""
        self._unsigned.extendleft(sorted(self._signed, reverse=True))
        self._signed.clear()

    def _next_batch(self, number: int) -> list[int]:
        numbers = [number]
        while self._unsigned and len(numbers) < BATCH:
            following = self._unsigned.popleft()
            if following != number:
                numbers.append(following)
        return numbers
