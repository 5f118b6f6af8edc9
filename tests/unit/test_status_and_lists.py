"""The status of an upload, and lists of uploads."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from multipart_upload.application.list_parts import LARGE_LIST, LARGE_LISTS_AT_ONCE, ListParts
from multipart_upload.application.ports import ForwardingRepository, SessionQuery, SessionRepository
from multipart_upload.domain.errors import StoreUnavailableError
from multipart_upload.domain.part import Part, PartState, StoredPart
from multipart_upload.domain.session import SessionState, UploadSession
from tests.patience import PATIENCE_SECONDS

from .faults import UnavailableStore
from .proxies import StoreProxy
from .service import BODY, MIB, PART_SIZE, Service, SettableClock, reference_to

FULL = bytes(PART_SIZE)


class UnreadableStore(StoreProxy):
    """Fails to list parts."""

    async def list_parts(self, *_: object, **__: object) -> list[StoredPart]:
        raise StoreUnavailableError


async def states(service: Service, session: UploadSession) -> list[tuple[int, str]]:
    _, parts = await service.list_parts(reference_to(session))
    return [(part.number, part.state) for part in parts]


async def test_part_is_verified_only_if_the_store_agrees(service: Service) -> None:
    session = await service.start_session()
    address = reference_to(session)
    await service.upload(session, 5)
    await service.put(session, 4)
    await service.record(address, 3, await service.put(session, 3), len(BODY) + 1)
    await service.put(session, 2)
    await service.record(address, 2, "another")
    await service.record(address, 1, "never arrived")
    assert await states(service, session) == [
        (1, PartState.UPLOADED),
        (2, PartState.UPLOADED),
        (3, PartState.UPLOADED),
        (4, PartState.VERIFIED),
        (5, PartState.VERIFIED),
    ]
    status = await service.status(address)
    assert status.missing_parts == [1, 2, 3]
    assert status.bytes_verified == 2 * len(BODY)


class SlowLists(ForwardingRepository):
    """Answers lists of parts when released, and notes which are under way."""

    def __init__(self, sessions: SessionRepository) -> None:
        super().__init__(sessions)
        self.under_way: list[str] = []
        self.released = asyncio.Event()

    async def list_parts(self, upload_id: str) -> list[Part]:
        self.under_way.append(upload_id)
        await self.released.wait()
        return await super().list_parts(upload_id)


async def test_long_lists_wait_for_each_other_and_short_ones_pass_them(service: Service) -> None:
    large = await service.start_session(size=(LARGE_LIST + 1) * PART_SIZE)
    small = await service.start_session(size=LARGE_LIST * PART_SIZE)
    sessions = SlowLists(service.sessions)
    list_parts = ListParts(sessions, service.store, asyncio.Semaphore(LARGE_LISTS_AT_ONCE))

    lists = [
        asyncio.create_task(list_parts(reference_to(session))) for session in [large] * 5 + [small]
    ]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while small.id not in sessions.under_way:  # noqa: ASYNC110  # no event says so
            await asyncio.sleep(0)

    assert sessions.under_way.count(large.id) == LARGE_LISTS_AT_ONCE
    sessions.released.set()
    assert len(await asyncio.gather(*lists)) == 6
    assert sessions.under_way.count(large.id) == 5


async def test_undeclared_part_size_comes_from_the_store(service: Service) -> None:
    session = await service.start_session()
    await service.record(reference_to(session), 1, await service.put(session))
    _, (part,) = await service.list_parts(reference_to(session))
    assert (part.size, part.state) == (len(BODY), PartState.VERIFIED)


async def test_listing_writes_nothing(service: Service) -> None:
    session = await service.start_session()
    await service.put(session)
    await service.status(reference_to(session))
    assert await service.reload(session) == session
    assert len(await service.sessions.list_parts(session.id)) == 0


async def test_missing_parts_are_planned_parts_absent_from_the_store(
    service: Service,
) -> None:
    session = await service.start_session(size=17 * MIB)
    assert (await service.status(reference_to(session))).missing_parts == [1, 2, 3]
    await service.upload(session, 2, FULL)
    status = await service.status(reference_to(session))
    assert (status.missing_parts, status.bytes_verified) == ([1, 3], PART_SIZE)
    assert status.session == await service.reload(session)
    await service.upload(session, 1, FULL)
    await service.upload(session, 3, bytes(MIB))
    assert (await service.status(reference_to(session))).missing_parts == []


async def test_without_a_plan_a_gap_is_missing(service: Service) -> None:
    session = await service.start_session()
    assert (await service.status(reference_to(session))).missing_parts == []
    await service.upload(session, 3)
    assert (await service.status(reference_to(session))).missing_parts == [1, 2]


async def test_pending_upload_has_no_stored_parts(service: Service) -> None:
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=UnavailableStore(service.store)).start_session(size=5)
    page = await service.list_sessions(SessionQuery(user_id="ada"))
    status = await service.status(reference_to(page.sessions[0]))
    assert (status.parts, status.missing_parts) == ([], None)


async def test_completed_upload_lists_its_parts_without_calling_the_store(
    service: Service,
) -> None:
    session = await service.upload_whole()
    done = await service.complete(reference_to(session))
    status = await replace(service, store=UnreadableStore(service.store)).status(
        reference_to(session)
    )
    assert status.session == done
    assert [part.state for part in status.parts] == [PartState.VERIFIED]
    assert (status.missing_parts, status.bytes_verified) == (None, len(BODY))


async def test_aborted_upload_has_no_verified_parts_and_does_not_call_the_store(
    service: Service,
) -> None:
    session = await service.upload_whole()
    await service.abort(reference_to(session))
    status = await replace(service, store=UnreadableStore(service.store)).status(
        reference_to(session)
    )
    assert [part.state for part in status.parts] == [PartState.UPLOADED]
    assert (status.missing_parts, status.bytes_verified) == (None, 0)


async def test_status_of_an_open_upload_fails_while_the_store_is_unavailable(
    service: Service,
) -> None:
    session = await service.upload_whole()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=UnreadableStore(service.store)).status(reference_to(session))


async def test_a_users_uploads_are_listed_newest_first_in_pages(
    service: Service, clock: SettableClock
) -> None:
    started = []
    for _ in range(5):
        started.append(await service.start_session())
        clock.advance(seconds=1)
    await service.start_session(user_id="bob")
    query = SessionQuery(user_id="ada", limit=3)
    first = await service.list_sessions(query)
    last = first.sessions[-1]
    second = await service.list_sessions(replace(query, after=(last.created_at, last.id)))
    assert (first.has_more, second.has_more) == (True, False)
    assert [*first.sessions, *second.sessions] == started[::-1]


async def test_uploads_are_listed_by_state_and_date(service: Service, clock: SettableClock) -> None:
    done = await service.upload_whole()
    await service.complete(reference_to(done))
    clock.advance(hours=1)
    opened = await service.start_session()
    by_state = SessionQuery(user_id="ada", states=frozenset({SessionState.COMPLETED}))
    assert [s.id for s in (await service.list_sessions(by_state)).sessions] == [done.id]
    by_date = SessionQuery(user_id="ada", created_from=clock.now())
    assert [s.id for s in (await service.list_sessions(by_date)).sessions] == [opened.id]
    before = SessionQuery(user_id="ada", created_before=clock.now())
    assert [s.id for s in (await service.list_sessions(before)).sessions] == [done.id]


async def test_completed_upload_counts_all_bytes_of_reports_without_sizes(
    service: Service,
) -> None:
    session = await service.start_session()
    etag = await service.put(session)
    await service.record(reference_to(session), 1, etag)
    before = await service.status(reference_to(session))
    await service.complete(reference_to(session))
    after = await service.status(reference_to(session))
    assert before.bytes_verified == after.bytes_verified == len(BODY)
