"""The asynchronous client."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypedDict, Unpack
from uuid import uuid4

import httpx

from .api import ServiceApi
from .checksums import Checksums, has_checksums, require_checksums
from .credentials import Credentials, TokenSource
from .errors import ChecksumMismatchError, SourceChangedError, UploadEndedError, UploadError
from .file_upload import FileUpload
from .http import open_http
from .models import (
    Source,
    UploadOptions,
    UploadReference,
    UploadResult,
    UploadStatus,
    UploadSummary,
)
from .parallelism import Slots
from .parts import Transport
from .plan import choose_part_size
from .progress import ProgressTracker
from .rate_limit import RateLimit
from .retry import RetryPolicy
from .session import SavedSession, Session, discard, resume, start_new, to_session
from .source import FileSource, StreamSource, open_source
from .state import StateFile
from .store import PartStore
from .stream_upload import StreamUpload
from .threads import run_in_daemon

DEFAULT_PARALLEL: Final = 8


class ClientOptions(TypedDict, total=False):
    """The options of a client. All have defaults."""

    user_id: str | None
    """The owner of the uploads. With authentication, the caller. [the caller]"""
    token: str | TokenSource | None
    """A bearer token, or a function that returns one and is called again when it is refused."""
    api_key: str | None
    parallel: int
    """The most parts in flight; fewer while the network or the store is overloaded. [8]"""
    limit_rate: float | None
    """Bytes per second of all uploads together. [no limit]"""
    retry: RetryPolicy
    checksums: bool
    """Whether the store checks every part, and the service the whole file. [True with the extra]"""
    state_folder: Path | None
    """Where unfinished uploads of paths are saved, so that a later run resumes them. [nowhere]"""


class AsyncClient:
    """Uploads files through a service. Close it, or use it as a context manager.

    The uploads of a client share its limits and connections, and may run at the same time.
    """

    def __init__(self, api: str, **options: Unpack[ClientOptions]) -> None:
        url = require_url(api)
        retry = options.get("retry", RetryPolicy())
        slots = Slots(options.get("parallel", DEFAULT_PARALLEL))
        rate_limit = RateLimit(options.get("limit_rate"))
        credentials = Credentials(options.get("token"), options.get("api_key"))
        self._http, self._store_http = open_http()
        self._api = ServiceApi(self._http, url, credentials, options.get("user_id"), retry)
        self._transport = Transport(PartStore(self._store_http), retry, slots, rate_limit)
        self._uses_checksums = options.get("checksums", has_checksums())
        if self._uses_checksums:
            require_checksums()
        self._state_folder = options.get("state_folder")

    async def upload(self, source: Source, **options: Unpack[UploadOptions]) -> UploadResult:
        """Upload a file or a stream.

        Raise UploadError, or OSError if the source cannot be read.
        """
        opened = await run_in_daemon(lambda: open_source(source))
        filename = options.get("filename") or _default_filename(source)
        try:
            if isinstance(opened, FileSource):
                return await self._upload_file(opened, filename, options)
            return await self._upload_stream(opened, filename, options)
        finally:
            opened.close()

    async def abort(self, reference: UploadReference) -> None:
        """Discard an upload and its parts; a repeated call changes nothing."""
        await self._api.abort(reference)

    async def status(self, reference: UploadReference) -> UploadStatus:
        """Ask the service which parts of an upload have arrived."""
        return await self._api.status(reference)

    def uploads(self, statuses: Sequence[str] = ()) -> AsyncIterator[UploadSummary]:
        """Iterate over the user's uploads, newest first; only those in these states, if given."""
        return self._api.uploads(statuses)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        await self._store_http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _upload_file(
        self, source: FileSource, filename: str, options: UploadOptions
    ) -> UploadResult:
        state = None if "reference" in options else self._state_of(source)
        session = await self._open_session(source, filename, state, options)
        if not isinstance(session, UploadResult):
            tracker = ProgressTracker(filename, source.size, options.get("on_progress"))
            async with self._discard_if_useless(
                session.reference, state, abort_on_cancel=options.get("abort_on_cancel", True)
            ):
                _announce(session.reference, options)
                upload = FileUpload(
                    self._api,
                    self._transport,
                    source,
                    tracker,
                    session,
                    state,
                    self._new_checksums(),
                )
                result = await upload.run()
        else:
            result = session
        await _remove(state)
        return result

    async def _open_session(
        self,
        source: FileSource,
        filename: str,
        state: StateFile | None,
        options: UploadOptions,
    ) -> Session | UploadResult:
        fields = {**_fields(filename, options), "size": source.size}
        if reference := options.get("reference"):
            return await resume(self._api, reference, source.size)
        if state is not None:
            saved = SavedSession(
                self._api, source, fields, state, options.get("abort_on_cancel", True)
            )
            return await saved.open(wants_resume=options.get("resume", True))
        return to_session(await start_new(self._api, fields, str(uuid4()), abort_on_cancel=True))

    @asynccontextmanager
    async def _discard_if_useless(
        self, reference: UploadReference, state: StateFile | None, *, abort_on_cancel: bool
    ) -> AsyncIterator[None]:
        """Discard an upload of a file that cannot be resumed, or that was cancelled."""
        try:
            yield
        except (SourceChangedError, UploadEndedError, ChecksumMismatchError):
            await discard(self._api, reference)
            await _remove(state)
            raise
        except (UploadError, OSError) as exc:
            if isinstance(exc, UploadError):
                exc.reference = reference
            raise
        except BaseException as exc:
            if abort_on_cancel or not isinstance(exc, asyncio.CancelledError):
                await discard(self._api, reference)
                await _remove(state)
            raise

    async def _upload_stream(
        self, source: StreamSource, filename: str, options: UploadOptions
    ) -> UploadResult:
        if "reference" in options:
            msg = "a stream cannot be resumed: it cannot be read again"
            raise ValueError(msg)
        fields = _fields(filename, options)
        started = await start_new(self._api, fields, str(uuid4()), abort_on_cancel=True)
        tracker = ProgressTracker(filename, None, options.get("on_progress"))
        part_size = choose_part_size(options.get("expected_size", 0))
        try:
            _announce(started.reference, options)
            upload = StreamUpload(
                self._api,
                self._transport,
                source,
                tracker,
                started.reference,
                part_size,
                self._new_checksums(),
            )
            return await upload.run()
        except BaseException:
            await discard(self._api, started.reference)
            raise

    def _new_checksums(self) -> Checksums | None:
        return Checksums() if self._uses_checksums else None

    def _state_of(self, source: FileSource) -> StateFile | None:
        if self._state_folder is None or source.path is None:
            return None
        return StateFile.in_folder(
            self._state_folder, self._api.url, self._api.user_id, source.path
        )


def require_url(text: str) -> str:
    """Return the service's URL without a slash at the end. Raise ValueError."""
    url = httpx.URL(text)
    if url.scheme not in {"http", "https"} or not url.host:
        msg = "the URL of the service must begin with http:// or https://"
        raise ValueError(msg)
    if url.userinfo:
        msg = "the URL of the service must not contain credentials: give a token or an API key"
        raise ValueError(msg)
    return text.rstrip("/")


def _default_filename(source: Source) -> str:
    path = source if isinstance(source, (str, Path)) else getattr(source, "name", None)
    name = Path(path).name if isinstance(path, (str, Path)) else ""
    # Names on Linux may be no UTF-8.
    return name.encode(errors="replace").decode() or "stream"


def _fields(filename: str, options: UploadOptions) -> dict[str, Any]:
    """Return the body of start-upload."""
    content_type = options.get("content_type")
    if content_type is None:
        guessed, encoding = mimetypes.guess_type(filename)
        content_type = guessed if guessed and not encoding else "application/octet-stream"
    fields = {"filename": filename, "content_type": content_type}
    metadata = dict(options.get("metadata", {}))
    return {**fields, "metadata": metadata} if metadata else fields


def _announce(reference: UploadReference, options: UploadOptions) -> None:
    if on_started := options.get("on_started"):
        on_started(reference)


async def _remove(state: StateFile | None) -> None:
    if state is not None:
        await asyncio.to_thread(state.remove)
