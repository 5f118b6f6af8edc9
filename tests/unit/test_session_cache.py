"""The session cache."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from multipart_upload.adapters.clock import SystemClock
from multipart_upload.application.open_store_upload import OpenStoreUpload
from multipart_upload.application.ports import ForwardingRepository
from multipart_upload.application.session_cache import CACHE_SECONDS, MAX_CACHED, SessionCache
from multipart_upload.application.sign_parts import SignParts
from multipart_upload.domain.errors import SessionNotFoundError, TransitionError
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.testing.contract.sample_sessions import sample_session
from multipart_upload.testing.memory import MemorySessionRepository

from .service import Service, SettableClock, new_cache, reference_to

TICK = 0.001


class CountingRepository(ForwardingRepository):
    """Counts its reads, and can delay the first."""

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
def cache(stored: CountingRepository, clock: SettableClock) -> SessionCache:
    return new_cache(stored, clock)


def signing(service: Service, cache: SessionCache) -> SignParts:
    open_store_upload = OpenStoreUpload(cache, service.store, service.policy)
    return SignParts(cache, service.store, open_store_upload, service.policy, service.clock)


async def opened(stored: CountingRepository, upload_id: str = "upload-1") -> UploadSession:
    session = replace(
        sample_session(upload_id, state=SessionState.INITIATED), store_upload_id="2~abc"
    )
    await stored.add(session)
    return session


async def test_a_session_is_read_once_while_it_is_cached(
    cache: SessionCache, stored: CountingRepository, clock: SettableClock
) -> None:
    session = await opened(stored)
    assert await cache.get_recent("upload-1") == session
    clock.advance(seconds=CACHE_SECONDS - TICK)
    assert await cache.get_recent("upload-1") == session
    assert stored.reads == 1


async def test_an_expired_session_is_read_again_with_the_id_that_replaced_a_lost_one(
    cache: SessionCache, stored: CountingRepository, clock: SettableClock
) -> None:
    session = await opened(stored)
    await cache.get_recent("upload-1")
    await stored.save(replace(session, store_upload_id="2~another"))
    clock.advance(seconds=CACHE_SECONDS)
    assert (await cache.get_recent("upload-1")).store_upload_id == "2~another"


async def test_a_session_saved_here_is_cached(
    cache: SessionCache, stored: CountingRepository
) -> None:
    session = await opened(stored)
    await cache.get_recent("upload-1")
    saved = await cache.save(replace(session, store_upload_id="2~another"))
    assert await cache.get_recent("upload-1") == saved
    assert stored.reads == 1


async def test_a_session_that_was_not_open_is_read_each_time(
    cache: SessionCache, stored: CountingRepository
) -> None:
    session = await opened(stored)
    completing = await cache.save(replace(session, state=SessionState.COMPLETING))
    await stored.save(replace(completing, state=SessionState.IN_PROGRESS))
    assert (await cache.get_recent("upload-1")).state is SessionState.IN_PROGRESS


async def test_get_reads_each_time(cache: SessionCache, stored: CountingRepository) -> None:
    session = await opened(stored)
    await cache.get("upload-1")
    aborted = await stored.save(replace(session, state=SessionState.ABORTED))
    assert await cache.get("upload-1") == aborted


async def test_an_answer_that_was_overtaken_does_not_replace_the_newer_one(
    cache: SessionCache, stored: CountingRepository
) -> None:
    session = await opened(stored)
    stored.held = asyncio.Event()
    slow = asyncio.create_task(cache.get("upload-1"))
    held = stored.held
    await asyncio.sleep(0)
    saved = await cache.save(replace(session, store_upload_id="2~another"))
    held.set()
    await slow
    assert await cache.get_recent("upload-1") == saved


async def test_an_answer_that_took_longer_than_the_cache_keeps_it_is_not_cached(
    cache: SessionCache, stored: CountingRepository, clock: SettableClock
) -> None:
    await opened(stored)
    stored.held = held = asyncio.Event()
    slow = asyncio.create_task(cache.get("upload-1"))
    await asyncio.sleep(0)
    clock.advance(seconds=CACHE_SECONDS)
    held.set()
    await slow
    await cache.get_recent("upload-1")
    assert stored.reads == 2


async def test_a_missing_session_is_looked_for_each_time(cache: SessionCache) -> None:
    for _ in range(2):
        with pytest.raises(SessionNotFoundError):
            await cache.get_recent("unknown")


async def test_the_least_recently_used_session_is_evicted(
    cache: SessionCache, stored: CountingRepository
) -> None:
    for number in range(MAX_CACHED + 1):
        await opened(stored, f"upload-{number}")
        await cache.get(f"upload-{number}")
    before = stored.reads
    await cache.get_recent(f"upload-{MAX_CACHED}")
    await cache.get_recent("upload-1")
    assert stored.reads == before
    await cache.get_recent("upload-0")
    assert stored.reads == before + 1


async def test_signing_the_parts_of_one_upload_reads_its_session_once(service: Service) -> None:
    stored = CountingRepository(service.sessions)
    session = await service.start_session()
    sign = signing(service, new_cache(stored, service.clock))
    for number in range(1, 11):
        await sign.sign_one(reference_to(session), number)
    assert stored.reads == 1


async def test_a_session_that_this_process_has_ended_is_not_signed(service: Service) -> None:
    cache = new_cache(service.sessions, service.clock)
    session = await service.start_session()
    sign = signing(service, cache)
    await sign.sign_one(reference_to(session), 1)
    await replace(service, sessions=cache).abort(reference_to(session))
    with pytest.raises(TransitionError, match="that is aborted"):
        await sign.sign_one(reference_to(session), 1)
