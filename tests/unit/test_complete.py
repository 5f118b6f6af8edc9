"""Completing an upload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from multipart_upload.application.ports import SessionQuery
from multipart_upload.domain.errors import (
    PartsMissingError,
    PartsRefusedError,
    RepositoryUnavailableError,
    SessionNotFoundError,
    StoreUnavailableError,
    TransitionError,
)
from multipart_upload.domain.part import PartState
from multipart_upload.domain.session import SessionState, UploadSession

from .faults import RefusingStore, RepositoryFailing, UnavailableStore
from .service import BODY, MIB, PART_SIZE, Service, SettableClock, reference_to

FULL = bytes(PART_SIZE)

Report = Callable[[Service, UploadSession, str], Awaitable[None]]


async def record(service: Service, session: UploadSession, etag: str) -> None:
    await service.record(reference_to(session), 1, etag)


async def record_and_fail(service: Service, session: UploadSession, etag: str) -> None:
    """Record a part, then fail before the session changes its state."""
    failing = RepositoryFailing(service.sessions, SessionState.IN_PROGRESS)
    with pytest.raises(RepositoryUnavailableError):
        await record(replace(service, sessions=failing), session, etag)


async def test_completed_upload_becomes_an_object_with_its_upload_id(service: Service) -> None:
    session = await service.upload_whole()
    done = await service.complete(reference_to(session))
    assert (done.state, done.lease) == (SessionState.COMPLETED, None)
    assert await service.reload(session) == done
    assert done.result is not None
    assert done.result == await service.bucket.head_object(session.key)
    assert (done.result.upload_id, done.result.size) == (session.id, len(BODY))


async def test_parts_are_completed_in_order_regardless_of_upload_order(service: Service) -> None:
    session = await service.start_session(size=17 * MIB)
    await service.upload(session, 3, b"c" * MIB)
    await service.upload(session, 1, b"x" * PART_SIZE)
    await service.upload(session, 2, b"b" * PART_SIZE)
    await service.upload(session, 1, b"a" * PART_SIZE)
    done = await service.complete(reference_to(session))
    assert done.result is not None
    assert done.result.size == 17 * MIB
    content = b"a" * PART_SIZE + b"b" * PART_SIZE + b"c" * MIB
    assert service.bucket.objects[session.key].body == content


async def test_empty_file_is_completed_from_one_empty_part(service: Service) -> None:
    session = await service.start_session(size=0)
    await service.upload(session, 1, b"")
    done = await service.complete(reference_to(session))
    assert done.result is not None
    assert done.result.size == 0


async def test_completing_again_returns_the_same_result(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    done = await service.complete(reference_to(session))
    clock.advance(days=3)
    assert await service.complete(reference_to(session)) == done
    assert await service.reload(session) == done


@pytest.mark.parametrize("size", [None, len(BODY)])
async def test_unreported_parts_are_recorded_and_completed(
    service: Service, size: int | None
) -> None:
    session = await service.start_session(size)
    etag = await service.put(session)
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED
    (part,) = await service.sessions.list_parts(session.id)
    assert (f'"{part.etag}"', part.size, part.state) == (etag, len(BODY), PartState.VERIFIED)


async def test_partly_reported_parts_are_all_recorded_and_completed(service: Service) -> None:
    session = await service.start_session(size=PART_SIZE + 1)
    await service.upload(session, 2, b"!")
    await service.put(session, 1, FULL)
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED
    assert len(await service.sessions.list_parts(session.id)) == 2


@pytest.mark.parametrize("size", [None, 0, len(BODY)])
async def test_completing_without_parts_is_not_found_and_keeps_the_session_usable(
    service: Service, size: int | None
) -> None:
    session = await service.start_session(size)
    with pytest.raises(SessionNotFoundError) as refusal:
        await service.complete(reference_to(session))
    assert str(refusal.value) == "Upload session not found or no parts uploaded"
    assert await service.reload(session) == session
    await service.put(session, 1, BODY[:size])
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_completing_a_never_opened_upload_is_not_found(service: Service) -> None:
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=UnavailableStore(service.store)).start_session()
    page = await service.list_sessions(SessionQuery(user_id="ada"))
    with pytest.raises(SessionNotFoundError):
        await service.complete(reference_to(page.sessions[0]))


async def test_a_missing_part_is_named_and_can_still_be_uploaded(service: Service) -> None:
    session = await service.start_session(size=17 * MIB)
    await service.upload(session, 2, FULL)
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(reference_to(session))
    assert refusal.value.extensions == {
        "status": "in-progress",
        "missing_parts": [1, 3],
        "mismatched_parts": [],
    }
    reopened = await service.reload(session)
    assert (reopened.state, reopened.lease) == (SessionState.IN_PROGRESS, None)
    await service.sign(reference_to(session), 1)
    await service.upload(session, 1, FULL)
    await service.upload(session, 3, bytes(MIB))
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_reported_part_absent_from_the_store_is_missing(service: Service) -> None:
    session = await service.start_session()
    await service.record(reference_to(session), 1, "e1")
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(reference_to(session))
    assert refusal.value.extensions["missing_parts"] == [1]


@pytest.mark.parametrize("size", [None, len(BODY)])
async def test_report_without_its_state_change_still_counts_as_missing(
    service: Service, size: int | None
) -> None:
    session = await service.start_session(size)
    await record_and_fail(service, session, "e1")
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(reference_to(session))
    assert refusal.value.extensions["missing_parts"] == [1]


@pytest.mark.parametrize("report", [record, record_and_fail])
async def test_part_that_differs_from_its_report_is_named_and_not_completed(
    service: Service, report: Report
) -> None:
    session = await service.start_session(size=len(BODY))
    await service.put(session)
    await report(service, session, "another")
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(reference_to(session))
    assert refusal.value.extensions["mismatched_parts"] == [1]
    assert await service.bucket.head_object(session.key) is None
    await service.upload(session)
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_part_with_an_unplanned_size_is_named(service: Service) -> None:
    session = await service.start_session(size=len(BODY))
    await service.put(session, 1, BODY + b"!")
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(reference_to(session))
    assert refusal.value.extensions["mismatched_parts"] == [1]


async def test_refusal_by_the_store_reopens_the_session_with_its_parts(service: Service) -> None:
    session = await service.upload_whole()
    with pytest.raises(PartsRefusedError, match="refused the parts: they are not"):
        await replace(service, store=RefusingStore(service.store)).complete(reference_to(session))
    reopened = await service.reload(session)
    assert (reopened.state, reopened.lease) == (SessionState.IN_PROGRESS, None)
    assert len(await service.sessions.list_parts(session.id)) == 1
    await service.upload(session, 1, b"HELLO")
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_too_small_parts_are_refused_and_can_be_replaced(service: Service) -> None:
    session = await service.start_session()
    for number in (1, 2):
        await service.upload(session, number)
    with pytest.raises(PartsRefusedError) as refusal:
        await service.complete(reference_to(session))
    assert refusal.value.extensions == {"reason": "EntityTooSmall"}
    await service.upload(session, 1, FULL)
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


@pytest.mark.parametrize(
    "state", [SessionState.ABORTING, SessionState.ABORTED, SessionState.EXPIRED]
)
async def test_aborted_or_expired_upload_cannot_be_completed(
    service: Service, state: SessionState
) -> None:
    session = await service.upload_whole()
    session = await service.sessions.save(replace(session, state=state))
    with pytest.raises(TransitionError) as refusal:
        await service.complete(reference_to(session))
    assert refusal.value.extensions["status"] == state
    assert await service.reload(session) == session
    assert await service.bucket.head_object(session.key) is None
