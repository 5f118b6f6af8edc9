"""Send parts until the store has them and the service has recorded them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from .api import SentPart, ServiceApi
from .checksums import Checksums
from .errors import NoAnswerError, StoreError
from .models import UploadReference
from .parallelism import Slots
from .plan import Part
from .progress import ProgressTracker
from .rate_limit import RateLimit
from .retry import RetryPolicy
from .signing import SignedUrls
from .store import PartBody, PartStore, Read, SignedPart

NextPart = Callable[[], Awaitable[tuple[Part, Read] | None]]
"""Returns the next part and what reads it, or None at the end."""

# One for the URL that expired, and two that were signed just before it was used.
_MAX_REFUSALS: Final = 3
_OVERLOADED: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Transport:
    """What all uploads of a client share: the store, the retries and the limits."""

    store: PartStore
    retry: RetryPolicy
    slots: Slots
    rate_limit: RateLimit


@dataclass(slots=True)
class Reporter:
    """Reports parts in batches: those that finish during one report wait for the next."""

    api: ServiceApi
    reference: UploadReference
    _waiting: list[SentPart] = field(default_factory=list, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def report(self, part: SentPart) -> None:
        """Return when the service has recorded the part."""
        self._waiting.append(part)
        async with self._lock:
            parts, self._waiting = self._waiting, []
            if parts:
                await self.api.record(self.reference, parts)


@dataclass(slots=True)
class PartSender:
    """Sends the parts of one upload, as many at once as there are slots."""

    transport: Transport
    urls: SignedUrls
    reporter: Reporter
    tracker: ProgressTracker
    checksums: Checksums | None = None
    on_recorded: Callable[[int], None] = lambda _: None

    async def send_all(self, next_part: NextPart) -> None:
        """Send parts until there are no more. The first error cancels the others."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while await self._start_next(next_part, tasks):
                    pass
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    async def _start_next(self, next_part: NextPart, tasks: asyncio.TaskGroup) -> bool:
        """Return False at the end. A part is read only once it has a slot, to bound memory."""
        slots = self.transport.slots
        await slots.take()
        try:
            found = await next_part()
        except BaseException:
            slots.release()
            raise
        if found is None:
            slots.release()
            return False
        task = tasks.create_task(self._send(*found))
        task.add_done_callback(lambda _: slots.release())
        return True

    async def _send(self, part: Part, read: Read) -> None:
        """Raise StoreError or NoAnswerError after all attempts."""
        refusals = 0

        async def attempt() -> str:
            nonlocal refusals
            try:
                return await self._put(part, read)
            except StoreError as exc:
                if exc.is_url_refused:
                    refusals += 1
                    self.urls.discard()
                    exc.is_transient = refusals < _MAX_REFUSALS
                raise

        etag = await self.transport.retry.run(attempt)
        self.transport.slots.grow()
        await self.reporter.report(SentPart(part.number, etag, part.size))
        self.on_recorded(part.number)
        self.tracker.add_part()

    async def _sign(self, part: Part, read: Read) -> SignedPart:
        if self.checksums is None:
            return await self.urls.take(part.number)
        return await self.urls.sign(part, await self.checksums.of_part(part, read))

    async def _put(self, part: Part, read: Read) -> str:
        signed = await self._sign(part, read)
        body = PartBody(read, part, self.transport.rate_limit, self.tracker.add_bytes)
        try:
            return await self.transport.store.put(signed, body)
        except BaseException as exc:
            self.tracker.add_bytes(-body.sent)
            if _is_overload(exc):
                self.transport.slots.shrink()
            raise


def _is_overload(exc: BaseException) -> bool:
    return isinstance(exc, NoAnswerError) or (
        isinstance(exc, StoreError) and exc.status in _OVERLOADED
    )


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that ended a group of tasks; the others follow from it or say the same."""
    found = group.exceptions[0]
    return first_error(found) if isinstance(found, BaseExceptionGroup) else found
