"""Upload a file that can be read at any offset: in any order, again, and days later."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from .api import ServiceApi
from .checksums import Checksums
from .errors import ServiceError, StoreError, UploadEndedError
from .models import UploadResult
from .parts import PartSender, Reporter, Transport
from .plan import Part
from .progress import ProgressTracker
from .session import Session, to_result
from .signing import SignedUrls
from .source import FileSource
from .state import StateFile
from .store import Read

_MAX_REPAIRS: Final = 5


@dataclass(slots=True)
class FileUpload:
    """Sends the missing parts of a session."""

    api: ServiceApi
    transport: Transport
    source: FileSource
    tracker: ProgressTracker
    session: Session
    state: StateFile | None
    checksums: Checksums | None = None
    _repairs: int = field(default=0, init=False)

    async def run(self) -> UploadResult:
        """Send the missing parts and complete. What the store has lost is sent again."""
        plan = self.session.plan
        arrived = set(plan.numbers) - self.session.missing
        self._keep_arrived(arrived)
        self.tracker.begin(plan.size_of(arrived), len(arrived), plan.part_count)
        while True:
            try:
                await self._send_missing()
                await asyncio.to_thread(self.source.require_unchanged)
                return await self.api.complete(self.session.reference, await self._checksum())
            except (ServiceError, StoreError) as exc:
                if self._repairs == _MAX_REPAIRS:
                    raise
                self._repairs += 1
                if (result := await self._repair(exc)) is not None:
                    return result

    async def _send_missing(self) -> None:
        numbers = sorted(self.session.missing)
        remaining = iter(numbers)

        async def next_part() -> tuple[Part, Read] | None:
            number = next(remaining, None)
            return None if number is None else (self.session.plan.part(number), self.source.read)

        reference = self.session.reference
        urls = SignedUrls(self.api, reference, numbers)
        reporter = Reporter(self.api, reference)
        sender = PartSender(
            self.transport, urls, reporter, self.tracker, self.checksums, self._add_arrived
        )
        await sender.send_all(next_part)

    async def _checksum(self) -> str | None:
        """Return the checksum of the file. Parts that an earlier run has sent are read for it."""
        if self.checksums is None:
            return None
        plan = self.session.plan
        for number in plan.numbers:
            await self.checksums.of_part(plan.part(number), self.source.read)
        return self.checksums.of_all(map(plan.part, plan.numbers))

    async def _repair(self, error: ServiceError | StoreError) -> UploadResult | None:
        """Find out which parts to send again. Raise the error if it has another cause."""
        if isinstance(error, ServiceError) and error.code == "parts-missing":
            lists = ("missing_parts", "mismatched_parts")
            self._mark_lost({number for name in lists for number in error.problem[name]})
            return None
        if not _is_upload_gone(error):
            raise error
        status = await self.api.status(self.session.reference)
        if status.status == "completed":
            return to_result(status)
        if status.status == "completing":  # another run of the same file has sent all parts
            self.session.missing.clear()
            return None
        if not status.is_open:
            raise UploadEndedError(status.status)
        if isinstance(error, StoreError) and not status.parts_lost:
            raise error
        self._mark_lost(set(self.session.plan.numbers))
        return None

    def _mark_lost(self, numbers: set[int]) -> None:
        lost = numbers - self.session.missing
        self.tracker.remove_parts(self.session.plan.size_of(lost), len(lost))
        self.session.missing.update(lost)
        self._keep_arrived(set(self.session.plan.numbers) - self.session.missing)

    def _add_arrived(self, number: int) -> None:
        self.session.missing.discard(number)
        if self.state is not None:
            self.state.add_arrived(number)

    def _keep_arrived(self, numbers: set[int]) -> None:
        if self.state is not None:
            self.state.keep_arrived(sorted(numbers))


def _is_upload_gone(error: ServiceError | StoreError) -> bool:
    if isinstance(error, StoreError):
        return error.status == HTTPStatus.NOT_FOUND
    return error.code in {"store-upload-gone", "wrong-state"}
