"""Sweeps of every kind of thing that a sweep ends or repairs."""

from __future__ import annotations

from tests.unit.faults import StoreAnswersLost, StoreAway, StoreNeverCompleting
from tests.unit.service import BODY, Service, address_of

from .aborting import left_aborting, open_another
from .completing import left_completing
from .requests import Request, store_as
from .sending import lost
from .starting import start_in_vain
from .world import World


async def _swept(service: Service) -> object:
    await service.sweep()
    return None


async def sweep_a_start_that_never_reached_the_store(world: World) -> Request:
    await start_in_vain(world, StoreAway)
    return _sweep_of_what_was_left(world)


async def sweep_a_start_that_the_store_never_answered(world: World) -> Request:
    await start_in_vain(world, StoreAnswersLost)
    return _sweep_of_what_was_left(world)


async def sweep_a_complete_that_never_reached_the_store(world: World) -> Request:
    await left_completing(world, StoreAway)
    return _sweep_of_what_was_left(world)


async def sweep_a_complete_that_the_store_never_answered(world: World) -> Request:
    await left_completing(world, StoreAnswersLost)
    return _sweep_of_what_was_left(world)


async def sweep_a_complete_that_the_store_has_lost(world: World) -> Request:
    await world.lose(await left_completing(world, StoreAway))
    return _sweep_of_what_was_left(world)


async def sweep_a_complete_that_lacks_a_part(world: World) -> Request:
    session = await left_completing(world, StoreAway)
    # The client has sent other bytes since, which nobody promised to keep, and reported none.
    await world.send(session, body=b"other")
    world.acknowledged[session.id].clear()
    return _sweep_of_what_was_left(world)


async def sweep_an_old_complete_that_the_store_never_does(world: World) -> Request:
    world.give_up(await left_completing(world, StoreAway))
    world.wait_for_expiry()
    return Request(_swept, store_as(StoreNeverCompleting))


async def sweep_an_abort_that_never_reached_the_store(world: World) -> Request:
    await left_aborting(world, StoreAway)
    return _sweep_of_what_was_left(world)


async def sweep_an_abort_that_the_store_never_answered(world: World) -> Request:
    await left_aborting(world, StoreAnswersLost)
    return _sweep_of_what_was_left(world)


async def sweep_what_nobody_has_touched_for_long(world: World) -> Request:
    world.give_up(await world.uploaded())
    await world.service.started()
    world.wait_for_expiry()
    return Request(_swept)


async def sweep_a_lost_upload_that_nobody_has_touched_for_long(world: World) -> Request:
    await lost(world)
    world.wait_for_expiry()
    return Request(_swept)


async def sweep_an_old_upload_whose_client_sends_and_does_not_report(world: World) -> Request:
    session = await world.uploaded(size=None)
    world.service.clock.time += world.service.policy.expiry / 2
    await world.send(session, 2)
    world.service.clock.time += world.service.policy.expiry / 2
    world.wait_for_leases()
    return Request(_swept)


async def sweep_what_the_store_has_opened_twice(world: World) -> Request:
    await open_another(world, await world.uploaded())
    return _sweep_of_what_was_left(world)


async def sweep_what_the_store_has_opened_after_the_end(world: World) -> Request:
    session = await world.uploaded()
    await world.service.complete(address_of(session))
    await open_another(world, session)
    return _sweep_of_what_was_left(world)


async def sweep_what_need_not_be_remembered(world: World) -> Request:
    for end in (world.service.complete, world.service.abort):
        session = await world.uploaded()
        await end(address_of(session))
        world.give_up(session)
        world.retired.add(session.key)
    world.service.clock.time += world.service.policy.retention
    world.wait_for_leases()
    return Request(_swept)


async def sweep_much_at_once(world: World) -> Request:
    await start_in_vain(world, StoreAnswersLost)
    await left_completing(world, StoreAway)
    await left_completing(world, StoreAnswersLost)
    await left_aborting(world, StoreAway)
    return await sweep_what_the_store_has_opened_twice(world)


async def sweep_nothing(world: World) -> Request:
    await world.service.started(len(BODY))
    return Request(_swept)


def _sweep_of_what_was_left(world: World) -> Request:
    world.wait_for_leases()
    return Request(_swept)
