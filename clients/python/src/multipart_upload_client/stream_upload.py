"""Upload a stream: read once, in parts that stay in memory until the store has them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .api import ServiceApi
from .checksums import Checksums
from .errors import StreamTooLongError
from .models import UploadReference, UploadResult
from .parts import PartSender, Reporter, Transport
from .plan import MAX_STREAM_PARTS, Part
from .progress import ProgressTracker
from .signing import SignedUrls
from .source import StreamSource, read_fully
from .store import Read
from .threads import run_in_daemon


@dataclass(slots=True)
class StreamUpload:
    """Sends a stream to an upload without a plan."""

    api: ServiceApi
    transport: Transport
    source: StreamSource
    tracker: ProgressTracker
    reference: UploadReference
    part_size: int
    checksums: Checksums | None = None
    _sent: list[Part] = field(default_factory=list)
    _is_at_end: bool = False

    async def run(self) -> UploadResult:
        """Send the stream to its end and complete."""
        urls = SignedUrls(self.api, self.reference, range(1, MAX_STREAM_PARTS + 1))
        reporter = Reporter(self.api, self.reference)
        sender = PartSender(self.transport, urls, reporter, self.tracker, self.checksums)
        await sender.send_all(self._next_part)
        checksum = None if self.checksums is None else self.checksums.of_all(self._sent)
        return await self.api.complete(self.reference, checksum)

    async def _next_part(self) -> tuple[Part, Read] | None:
        if self._is_at_end:
            return None
        data = await run_in_daemon(lambda: read_fully(self.source.stream, self.part_size))
        self._is_at_end = len(data) < self.part_size
        if not data and self._sent:  # an empty stream is one part of 0 bytes
            return None
        if len(self._sent) == MAX_STREAM_PARTS:
            msg = (
                f"The stream has over {MAX_STREAM_PARTS} parts of {self.part_size} bytes:"
                " upload it again and give its expected size."
            )
            raise StreamTooLongError(msg)
        part = Part(len(self._sent) + 1, 0, len(data))
        self._sent.append(part)
        return part, lambda offset, size: data[offset : offset + size]
