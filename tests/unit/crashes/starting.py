"""Uploads that are started, and started again by the same key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from multipart_upload.application.ports import SessionQuery
from multipart_upload.domain.errors import UnavailableError
from multipart_upload.domain.session import SessionState, UploadSession
from tests.unit.faults import StoreAnswersLost, StoreAway
from tests.unit.proxies import StoreProxy
from tests.unit.service import BODY, Service, new_upload

from .interleavings import SlowStore, StoreOvertaken
from .requests import Request, store_as, unhindered
from .world import USER, World

KEYED: Final = replace(new_upload(size=len(BODY)), idempotency_key="film-0123456789abcdef")


async def started(service: Service) -> object:
    """Start an upload and tell whether its first part can be sent."""
    return await _told(service, await service.start(new_upload(size=len(BODY))))


async def started_by_key(service: Service) -> object:
    """Start an upload, and tell also how many have been."""
    told = await _told(service, await service.start(KEYED))
    return told, len((await service.list_sessions(SessionQuery(user_id=USER))).sessions)


def _request_by_key(hindered: Callable[[Service], Service] = unhindered) -> Request:
    # A start that died before its row named an upload is ended by the sweep; the key stays taken.
    return Request(started_by_key, hindered, late_answer=(SessionState.EXPIRED, 1))


async def start(_world: World) -> Request:
    return Request(started)


async def start_by_key(_world: World) -> Request:
    return _request_by_key()


async def start_while_the_store_is_slow(world: World) -> Request:
    lease = world.service.policy.lease.total_seconds()
    return Request(started, store_as(lambda store: SlowStore(store, lease)))


async def start_while_the_store_is_away(_world: World) -> Request:
    return _request_by_key(store_as(StoreAway))


async def start_so_slowly_that_the_sweep_ends_it(world: World) -> Request:
    async def swept() -> None:
        world.wait_for_leases()
        await world.service.sweep()

    return Request(started, store_as(lambda store: StoreOvertaken(store, swept)))


async def start_by_the_key_of_an_upload_that_is_open(world: World) -> Request:
    await world.service.start(KEYED)
    return _request_by_key()


async def start_by_the_key_of_one_who_never_reached_the_store(world: World) -> Request:
    await start_in_vain(world, StoreAway)
    return _request_by_key()


async def start_by_the_key_of_one_whom_the_store_never_answered(world: World) -> Request:
    await start_in_vain(world, StoreAnswersLost)
    return _request_by_key()


async def start_in_vain(world: World, store: type[StoreProxy]) -> None:
    """Leave a session whose client was never told that it exists."""
    with pytest.raises(UnavailableError):
        await replace(world.service, store=store(world.service.store)).start(KEYED)


async def _told(service: Service, session: UploadSession) -> object:
    if session.state.is_open:
        await service.put(session)
    return session.state
