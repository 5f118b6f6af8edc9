"""The synchronous client: the asynchronous one, run to the end of each call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self, Unpack

from .async_client import AsyncClient, ClientOptions
from .models import (
    Source,
    UploadOptions,
    UploadReference,
    UploadResult,
    UploadStatus,
    UploadSummary,
)


class Client:
    """Uploads files through a service. Close it, or use it as a context manager.

    Each call runs an event loop in the calling thread: use one client per thread, and the
    AsyncClient where an event loop is running already. Ctrl-C cancels the call.
    """

    def __init__(self, api: str, **options: Unpack[ClientOptions]) -> None:
        self._client = AsyncClient(api, **options)
        self._runner = asyncio.Runner()

    def upload(self, source: Source, **options: Unpack[UploadOptions]) -> UploadResult:
        """Upload a file or a stream.

        Raise UploadError, or OSError if the source cannot be read.
        """
        return self._runner.run(self._client.upload(source, **options))

    def abort(self, reference: UploadReference) -> None:
        """Discard an upload and its parts; a repeated call changes nothing."""
        self._runner.run(self._client.abort(reference))

    def status(self, reference: UploadReference) -> UploadStatus:
        """Ask the service which parts of an upload have arrived."""
        return self._runner.run(self._client.status(reference))

    def uploads(self, statuses: Sequence[str] = ()) -> list[UploadSummary]:
        """List the user's uploads, newest first; only those in these states, if given."""

        async def collect() -> list[UploadSummary]:
            return [upload async for upload in self._client.uploads(statuses)]

        return self._runner.run(collect())

    def close(self) -> None:
        """Close all connections."""
        self._runner.run(self._client.aclose())
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()
