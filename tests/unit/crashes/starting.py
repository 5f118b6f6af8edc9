"""Scenarios that start uploads, also twice with one idempotency key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from multipart_upload.application.ports import SessionQuery
from multipart_upload.domain.errors import UnavailableError
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.domain.upload_token import UploadToken
from tests.unit.faults import StoreAnswersLost, UnavailableStore
from tests.unit.proxies import StoreProxy
from tests.unit.service import BODY, T0, Service, new_upload

from .interleavings import InterleavedCreate, SlowStore
from .requests import Request, leave_ports_unwrapped, wrap_store
from .world import USER, World

KEYED: Final = replace(new_upload(size=len(BODY)), idempotency_key="film-0123456789abcdef")
_TOKEN: Final = UploadToken(
    id="token", user_id=USER, expires_at=T0 + timedelta(days=365), max_uploads=1
)
COUNTED: Final = replace(KEYED, token=_TOKEN)


async def start_and_put(service: Service) -> object:
    """Start an upload and PUT its first part."""
    return await _put_first_part(service, await service.start(new_upload(size=len(BODY))))


async def start_with_key(service: Service) -> object:
    """Start an upload with the key and PUT its first part; also return the number of sessions."""
    state = await _put_first_part(service, await service.start(KEYED))
    return state, len((await service.list_sessions(SessionQuery(user_id=USER))).sessions)


def _make_keyed_request(
    wrap_ports: Callable[[Service], Service] = leave_ports_unwrapped,
) -> Request:
    # The sweep expires a start that crashed before its row got a store upload; its key stays used.
    return Request(start_with_key, wrap_ports, late_answer=(SessionState.EXPIRED, 1))


async def start_with_counted_token(service: Service) -> object:
    """Start the one upload that the token allows and PUT its first part."""
    return await _put_first_part(service, await service.start(COUNTED))


async def start_the_only_upload_of_a_token(_world: World) -> Request:
    return Request(start_with_counted_token, late_answer=SessionState.EXPIRED)


async def start(_world: World) -> Request:
    return Request(start_and_put)


async def start_with_a_key(_world: World) -> Request:
    return _make_keyed_request()


async def start_while_the_store_is_slow(world: World) -> Request:
    lease = world.service.policy.lease.total_seconds()
    return Request(start_and_put, wrap_store(lambda store: SlowStore(store, lease)))


async def start_while_the_store_is_unavailable(_world: World) -> Request:
    return _make_keyed_request(wrap_store(UnavailableStore))


async def start_overtaken_by_the_sweep(world: World) -> Request:
    async def sweep() -> None:
        world.pass_leases_and_grace()
        await world.service.sweep()

    return Request(start_and_put, wrap_store(lambda store: InterleavedCreate(store, sweep)))


async def start_with_the_key_of_an_open_upload(world: World) -> Request:
    await world.service.start(KEYED)
    return _make_keyed_request()


async def start_again_after_a_start_that_never_reached_the_store(world: World) -> Request:
    await interrupt_start(world, UnavailableStore)
    return _make_keyed_request()


async def start_again_after_a_start_whose_answer_was_lost(world: World) -> Request:
    await interrupt_start(world, StoreAnswersLost)
    return _make_keyed_request()


async def interrupt_start(world: World, store: type[StoreProxy]) -> None:
    """Leave a pending session, after its store failed."""
    with pytest.raises(UnavailableError):
        await replace(world.service, store=store(world.service.store)).start(KEYED)


async def _put_first_part(service: Service, session: UploadSession) -> object:
    if session.state.is_open:
        await service.put(session)
    return session.state
