"""Uploads that are completed, or that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import pytest

from multipart_upload.application.ports import ObjectStore
from multipart_upload.domain.errors import UnavailableError
from multipart_upload.domain.named_parts import NamedPart
from multipart_upload.domain.session import UploadSession
from tests.unit.faults import StoreAnswersLost, StoreAway, StoreForbidding
from tests.unit.proxies import StoreProxy
from tests.unit.service import BODY, MIB, Service, address_of

from .interleavings import RenewalAnswerLost, SlowStore
from .requests import Call, Request, store_as
from .sending import lost
from .world import World

SMALLEST_PART: Final = bytes(5 * MIB)


async def completed(
    session: UploadSession, service: Service, named: Sequence[NamedPart] | None = None
) -> object:
    ended = await service.complete(address_of(session), named)
    assert ended.result is not None
    owner = ended.result.upload_id, ended.result.nonce
    told = replace(ended.result, location="", upload_id=None, nonce=None)
    return ended.state, owner == (session.id, session.nonce), told


def completing(session: UploadSession) -> Call:
    return partial(completed, session)


async def complete(world: World) -> Request:
    return Request(completing(await world.uploaded()))


async def complete_again(world: World) -> Request:
    session = await world.uploaded()
    await world.service.complete(address_of(session))
    return Request(completing(session))


async def complete_without_a_plan_and_with_a_part_unreported(world: World) -> Request:
    session = await world.service.started()
    await world.upload(session, 1, SMALLEST_PART)
    await world.send(session, 2)
    return Request(completing(session))


async def complete_by_a_list_of_parts(world: World) -> Request:
    session = await world.service.started()
    named = [NamedPart(1, await world.send(session))]
    return Request(partial(completed, session, named=named))


async def complete_by_a_list_that_does_not_name_every_part(world: World) -> Request:
    session = await world.service.started()
    await world.send(session, 1, SMALLEST_PART)
    named = [NamedPart(2, await world.send(session, 2))]
    return Request(partial(completed, session, named=named))


async def complete_though_no_part_was_reported(world: World) -> Request:
    session = await world.service.started(len(BODY))
    await world.send(session)
    return Request(completing(session))


async def complete_without_any_part(world: World) -> Request:
    return Request(completing(await world.service.started()))


async def complete_with_a_part_missing(world: World) -> Request:
    return Request(completing(await world.upload(await world.service.started(), 2)))


async def complete_with_a_part_too_small(world: World) -> Request:
    session = await world.service.started()
    await world.upload(session, 1)
    return Request(completing(await world.upload(session, 2)))


async def complete_what_the_store_has_lost(world: World) -> Request:
    session = await world.uploaded()
    await world.lose(session)
    return Request(completing(session))


async def complete_what_the_store_has_lost_before_a_report(world: World) -> Request:
    session = await world.service.started(len(BODY))
    await world.send(session)
    await world.lose(session)
    return Request(completing(session))


async def complete_what_is_known_to_be_lost(world: World) -> Request:
    return Request(completing(await lost(world)))


async def complete_while_the_store_is_slow(world: World) -> Request:
    lease = world.service.policy.lease.total_seconds()
    slow = store_as(lambda store: SlowStore(store, lease))
    return Request(completing(await world.uploaded()), slow)


async def complete_though_the_answer_to_a_renewal_is_lost(world: World) -> Request:
    lease = world.service.policy.lease.total_seconds()

    def hindered(service: Service) -> Service:
        slow = SlowStore(service.store, lease)
        return replace(service, store=slow, sessions=RenewalAnswerLost(service.sessions))

    return Request(completing(await world.uploaded()), hindered)


async def complete_while_the_store_is_away(world: World) -> Request:
    return Request(completing(await world.uploaded()), store_as(StoreAway))


async def complete_while_the_answers_of_the_store_are_lost(world: World) -> Request:
    return Request(completing(await world.uploaded()), store_as(StoreAnswersLost))


async def complete_while_the_store_refuses_to_list_parts(world: World) -> Request:
    return Request(completing(await world.uploaded()), store_as(_forbidding("list_parts")))


async def complete_again_while_the_store_refuses_to_list_parts(world: World) -> Request:
    session = await left_completing(world, StoreAway)
    return Request(completing(session), store_as(_forbidding("list_parts")))


async def complete_for_one_who_never_reached_the_store(world: World) -> Request:
    return Request(completing(await left_completing(world, StoreAway)))


async def complete_for_one_whom_the_store_never_answered(world: World) -> Request:
    return Request(completing(await left_completing(world, StoreAnswersLost)))


def _forbidding(*calls: str) -> Callable[[ObjectStore], ObjectStore]:
    return lambda store: StoreForbidding(store, *calls)


async def left_completing(world: World, store: type[StoreProxy]) -> UploadSession:
    """Give a session that somebody has begun to complete, and not ended."""
    session = await world.uploaded()
    with pytest.raises(UnavailableError):
        await replace(world.service, store=store(world.service.store)).complete(address_of(session))
    return await world.service.now(session)
