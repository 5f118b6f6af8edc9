"""Sessions as they were a moment ago."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from multipart_upload.adapters.clock import SystemClock
from multipart_upload.application.open_store_upload import OpenStoreUpload
from multipart_upload.application.session_cache import MOMENT, MOST, SessionCache
from multipart_upload.application.sign_parts import SignParts
from multipart_upload.domain.errors import SessionNotFoundError, TransitionError
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.testing.contract.samples import sample_session
from multipart_upload.testing.memory import MemorySessionRepository

from .proxies import RepositoryProxy
from .service import Service, SettableClock, address_of

TICK = timedelta(milliseconds=1)


class CountingRepository(RepositoryProxy):
    """Counts its reads; the first may be held up."""

    reads = 0
    held: asyncio.Event | None = None

    async def get(self, upload_id: str) -> UploadSession:
        self.reads += 1
        session = await super().get(upload_id)
        if self.held is not None:
            held, self.held = self.held, None
            await held.wait()
        return session


@pytest.fixture
def stored() -> CountingRepository:
    return CountingRepository(MemorySessionRepository(SystemClock()))


@pytest.fixture
def recent(stored: CountingRepository, clock: SettableClock) -> SessionCache:
    return SessionCache(stored, clock)


def signing(service: Service, cache: SessionCache) -> SignParts:
    open_store_upload = OpenStoreUpload(cache, service.store, service.policy)
    return SignParts(cache, service.store, open_store_upload, service.policy, service.clock)


async def opened(stored: CountingRepository, upload_id: str = "upload-1") -> UploadSession:
    session = replace(
        sample_session(upload_id, state=SessionState.INITIATED), store_upload_id="2~abc"
    )
    await stored.add(session)
    return session


async def test_a_session_is_read_once_in_a_moment(
    recent: SessionCache, stored: CountingRepository, clock: SettableClock
) -> None:
    session = await opened(stored)
    assert await recent.recent("upload-1") == session
    clock.advance(seconds=(MOMENT - TICK).total_seconds())
    assert await recent.recent("upload-1") == session
    assert stored.reads == 1


async def test_after_a_moment_it_is_read_anew_with_the_id_that_replaced_a_lost_one(
    recent: SessionCache, stored: CountingRepository, clock: SettableClock
) -> None:
    session = await opened(stored)
    await recent.recent("upload-1")
    await stored.save(replace(session, store_upload_id="2~another"))
    clock.advance(seconds=MOMENT.total_seconds())
    assert (await recent.recent("upload-1")).store_upload_id == "2~another"


async def test_what_was_saved_here_is_known_at_once(
    recent: SessionCache, stored: CountingRepository
) -> None:
    session = await opened(stored)
    await recent.recent("upload-1")
    saved = await recent.save(replace(session, store_upload_id="2~another"))
    assert await recent.recent("upload-1") == saved
    assert stored.reads == 1


async def test_a_session_that_was_not_open_is_asked_for_each_time(
    recent: SessionCache, stored: CountingRepository
) -> None:
    session = await opened(stored)
    completing = await recent.save(replace(session, state=SessionState.COMPLETING))
    await stored.save(replace(completing, state=SessionState.IN_PROGRESS))
    assert (await recent.recent("upload-1")).state is SessionState.IN_PROGRESS


async def test_what_decides_is_read_each_time(
    recent: SessionCache, stored: CountingRepository
) -> None:
    session = await opened(stored)
    await recent.get("upload-1")
    aborted = await stored.save(replace(session, state=SessionState.ABORTED))
    assert await recent.get("upload-1") == aborted


async def test_an_answer_that_was_overtaken_does_not_hide_the_newer_one(
    recent: SessionCache, stored: CountingRepository
) -> None:
    session = await opened(stored)
    stored.held = asyncio.Event()
    slow = asyncio.create_task(recent.get("upload-1"))
    held = stored.held
    await asyncio.sleep(0)
    saved = await recent.save(replace(session, store_upload_id="2~another"))
    held.set()
    await slow
    assert await recent.recent("upload-1") == saved


async def test_a_session_that_is_not_there_is_not_found_each_time(recent: SessionCache) -> None:
    for _ in range(2):
        with pytest.raises(SessionNotFoundError):
            await recent.recent("unknown")


async def test_a_clock_that_goes_back_keeps_nothing_for_long(
    recent: SessionCache, stored: CountingRepository, clock: SettableClock
) -> None:
    await opened(stored)
    await recent.recent("upload-1")
    clock.advance(hours=-1)
    await recent.recent("upload-1")
    assert stored.reads == 2


async def test_the_sessions_seen_longest_ago_make_room(
    recent: SessionCache, stored: CountingRepository
) -> None:
    for number in range(MOST + 1):
        await opened(stored, f"upload-{number}")
        await recent.get(f"upload-{number}")
    before = stored.reads
    await recent.recent(f"upload-{MOST}")
    await recent.recent("upload-1")
    assert stored.reads == before
    await recent.recent("upload-0")
    assert stored.reads == before + 1


async def test_signing_the_parts_of_one_upload_reads_its_session_once(service: Service) -> None:
    stored = CountingRepository(service.sessions)
    session = await service.started()
    sign = signing(service, SessionCache(stored, service.clock))
    for number in range(1, 11):
        await sign.sign_one(address_of(session), number)
    assert stored.reads == 1


async def test_what_this_process_has_ended_is_not_signed_any_more(service: Service) -> None:
    recent = SessionCache(service.sessions, service.clock)
    session = await service.started()
    sign = signing(service, recent)
    await sign.sign_one(address_of(session), 1)
    await replace(service, sessions=recent).abort(address_of(session))
    with pytest.raises(TransitionError, match="that is aborted"):
        await sign.sign_one(address_of(session), 1)
