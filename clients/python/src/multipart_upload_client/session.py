"""Start the session of a file, or resume one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from .answers import StartedUpload
from .api import ServiceApi
from .errors import ServiceError, UploadEndedError, UploadError
from .models import OPEN, UploadReference, UploadResult, UploadStatus
from .plan import PartPlan
from .source import FileSource
from .state import SavedUpload, StateFile

_ABORT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Session:
    """An open upload, and the parts to send."""

    reference: UploadReference
    plan: PartPlan
    missing: set[int]


async def start_new(
    api: ServiceApi, fields: Mapping[str, Any], idempotency_key: str, *, abort_on_cancel: bool
) -> StartedUpload:
    """Start an upload. If cancelled meanwhile, discard what the service may have started."""
    starting = asyncio.create_task(api.start(fields, idempotency_key))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        if abort_on_cancel:
            await _abort_when_started(api, starting)
        else:
            starting.cancel()
        raise


async def discard(api: ServiceApi, reference: UploadReference) -> None:
    """Abort an upload. Without an answer, the service expires it later."""
    with suppress(UploadError, TimeoutError):
        async with asyncio.timeout(_ABORT_SECONDS):
            await api.abort(reference)


async def _abort_when_started(api: ServiceApi, starting: asyncio.Task[StartedUpload]) -> None:
    with suppress(UploadError, TimeoutError):
        async with asyncio.timeout(_ABORT_SECONDS):
            await api.abort((await starting).reference)


async def resume(
    api: ServiceApi,
    reference: UploadReference,
    size: int,
    arrived: AbstractSet[int] | None = None,
) -> Session | UploadResult:
    """Return the session of an upload, or its result if it was completed.

    `arrived` are the parts that the store acknowledged, if that is known: others are sent again
    even if the store lists them. Raise UploadEndedError.
    """
    status = await api.status(reference)
    if status.size != size:
        msg = f"The upload is of a file of {status.size} bytes, not of {size}."
        raise UploadError(msg)
    if status.status == "completed":
        return to_result(status)
    plan = PartPlan(size, status.part_size or 0, status.part_count or 0)
    if status.status == "completing":  # all parts have arrived
        return Session(reference, plan, set())
    if not status.is_open:
        raise UploadEndedError(status.status)
    unknown = set() if arrived is None else set(plan.numbers) - arrived
    return Session(reference, plan, unknown.union(status.missing_parts or ()))


@dataclass(frozen=True, slots=True)
class SavedSession:
    """The session of a file whose upload is saved in a state file.

    `fields` are the body of start-upload.
    """

    api: ServiceApi
    source: FileSource
    fields: Mapping[str, Any]
    state: StateFile
    abort_on_cancel: bool

    async def open(self, *, wants_resume: bool) -> Session | UploadResult:
        """Resume the saved upload of the same file; otherwise discard it and start another."""
        try:
            return await self._open(wants_resume=wants_resume)
        except asyncio.CancelledError:
            if self.abort_on_cancel:
                await self._discard(await asyncio.to_thread(self.state.load))
            raise

    async def _open(self, *, wants_resume: bool) -> Session | UploadResult:
        saved = await asyncio.to_thread(self.state.load)
        if saved is not None and wants_resume and self._is_same_file(saved):
            with suppress(UploadEndedError):
                return await self._resume(saved)
        await self._discard(saved)
        return await self._start(SavedUpload(self.fields, self.source.modified_at, str(uuid4())))

    async def _discard(self, saved: SavedUpload | None) -> None:
        if saved is not None and saved.reference is not None:
            await discard(self.api, saved.reference)
        await asyncio.to_thread(self.state.remove)

    async def _resume(self, saved: SavedUpload) -> Session | UploadResult:
        if saved.reference is None:
            return await self._start(saved)
        try:
            return await resume(self.api, saved.reference, self.source.size, saved.arrived)
        except ServiceError as exc:
            if exc.status == HTTPStatus.NOT_FOUND:
                raise UploadEndedError("unknown") from None
            raise

    async def _start(self, saved: SavedUpload) -> Session:
        # Saved before the service is asked: with the key, a run after a crash gets the same upload.
        await asyncio.to_thread(self.state.save, saved)
        started = await start_new(
            self.api, self.fields, saved.idempotency_key, abort_on_cancel=self.abort_on_cancel
        )
        if started.status not in OPEN:
            raise UploadEndedError(started.status)
        # Not in a thread: no cancellation can come between the start and this.
        self.state.save(replace(saved, reference=started.reference))
        return to_session(started)

    def _is_same_file(self, saved: SavedUpload) -> bool:
        return saved.fields == self.fields and saved.modified_at == self.source.modified_at


def to_session(started: StartedUpload) -> Session:
    """Return the session of a started upload, all of whose parts are missing."""
    if started.plan is None:
        msg = "The service has not planned the parts."
        raise UploadError(msg)
    return Session(started.reference, started.plan, set(started.plan.numbers))


def to_result(status: UploadStatus) -> UploadResult:
    """Return the result of a completed upload."""
    if status.location is None or status.etag is None or status.size is None:
        msg = "The service does not say where the completed upload is."
        raise UploadError(msg)
    return UploadResult(
        status.upload_id,
        status.key,
        status.location,
        status.etag,
        status.size,
        status.receipt,
        status.checksum,
        status.is_verified,
    )
