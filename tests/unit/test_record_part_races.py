"""Reports that something overtakes, and reports by processes that remember a session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from multipart_upload.application.list_parts import ListParts
from multipart_upload.application.ports import ForwardingRepository, SessionRepository
from multipart_upload.application.record_parts import RecordedPart, RecordParts
from multipart_upload.application.upload_status import GetUploadStatus
from multipart_upload.domain.errors import (
    StaleSessionError,
    StoreUploadGoneError,
    TransitionError,
)
from multipart_upload.domain.part import Part
from multipart_upload.domain.session import SessionState, UploadSession

from .crashes.interleavings import InterleavedReport, refuse_report
from .service import Service, new_cache, reference_to


async def replaced(service: Service, session: UploadSession) -> None:
    """Have the store lose an upload, and somebody open the next one."""
    await service.lose_noticed(session)
    await service.sign(reference_to(session), 1)


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_report_that_a_complete_has_overtaken_is_neither_stored_nor_acknowledged(
    service: Service, *, is_first: bool
) -> None:
    session = await service.start_session()
    await (service.put(session) if is_first else service.upload(session))
    late = InterleavedReport(service.sessions, partial(service.complete, reference_to(session)))
    with pytest.raises(TransitionError, match="that is completed"):
        await replace(service, sessions=late).record(reference_to(session), 1, "another")
    (part,) = await service.sessions.list_parts(session.id)
    assert part.etag != "another"


async def test_a_report_amid_a_complete_that_is_refused_is_stored_thereafter(
    service: Service,
) -> None:
    session = await service.upload_whole()
    late = replace(service, sessions=InterleavedReport(service.sessions, refuse_report))
    assert (await late.record(reference_to(session), 1, "another")).parts_recorded == 1
    (part,) = await service.sessions.list_parts(session.id)
    assert part.etag == "another"


async def test_a_first_report_of_an_upload_that_is_replaced_before_the_session_moves_is_refused(
    service: Service,
) -> None:
    class ReplacedOnceStored(ForwardingRepository):
        async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
            recorded = await super().report_parts(session, parts)
            await replaced(service, session)
            return recorded

    session = await service.start_session()
    etag = await service.put(session)
    late = replace(service, sessions=ReplacedOnceStored(service.sessions))
    with pytest.raises(StoreUploadGoneError):
        await late.record(reference_to(session), 1, etag)
    assert (await service.reload(session)).state is SessionState.INITIATED
    assert await service.sessions.list_parts(session.id) == []


async def test_a_session_that_closes_and_opens_all_the_time_is_a_conflict_at_last(
    service: Service,
) -> None:
    class NeverStill(ForwardingRepository):
        async def report_parts(self, *_: object) -> int:
            raise StaleSessionError

    session = await service.upload_whole()
    with pytest.raises(StaleSessionError):
        await replace(service, sessions=NeverStill(service.sessions)).record(
            reference_to(session), 1, "e1"
        )


class Replica:
    """A process that remembers sessions for a moment."""

    def __init__(self, service: Service) -> None:
        self.sessions = new_cache(service.sessions, service.clock)
        self.record = RecordParts(self.sessions, service.store, service.clock).record_one
        self.status = GetUploadStatus(ListParts(self.sessions, service.store, asyncio.Semaphore(2)))


async def test_a_report_on_a_session_that_is_remembered_is_one_call_of_the_repository(
    service: Service,
) -> None:
    class Calls(ForwardingRepository):
        def __init__(self, sessions: SessionRepository) -> None:
            super().__init__(sessions)
            self.made: list[str] = []

        def __getattribute__(self, name: str) -> object:
            if hasattr(SessionRepository, name):
                self.made.append(name)
            return super().__getattribute__(name)

    session = await service.upload_whole()
    calls = Calls(service.sessions)
    replica = Replica(replace(service, sessions=calls))
    await replica.record(reference_to(session), 1, "e1")
    calls.made.clear()
    await replica.record(reference_to(session), 1, "e2")
    assert calls.made == ["report_parts"]


async def test_who_remembers_a_lost_upload_takes_reports_of_the_next_one(
    service: Service,
) -> None:
    session = await service.upload_whole()
    replica = Replica(service)
    await service.lose(session)
    await replica.status(reference_to(session))
    await service.sign(reference_to(session), 1)
    recorded = await replica.record(reference_to(session), 1, "e1")
    assert recorded == RecordedPart(SessionState.IN_PROGRESS, 1)


async def test_who_remembers_the_upload_before_takes_reports_of_the_next_one(
    service: Service,
) -> None:
    session = await service.upload_whole()
    replica = Replica(service)
    await replica.record(reference_to(session), 1, "e1")
    await replaced(service, session)
    recorded = await replica.record(reference_to(session), 1, "e2")
    assert recorded == RecordedPart(SessionState.IN_PROGRESS, 1)
