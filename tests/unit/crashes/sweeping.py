"""Scenarios that sweep whatever a sweep ends or repairs."""

from __future__ import annotations

from tests.unit.faults import (
    RefusingStore,
    StoreAnswersLost,
    StoreFailingToComplete,
    UnavailableStore,
)
from tests.unit.service import BODY, Service, reference_to

from .aborting import interrupt_abort, open_second_store_upload
from .completing import interrupt_complete, upload_disguised
from .requests import Request, wrap_store
from .sending import lose_upload
from .starting import interrupt_start
from .world import World


async def _sweep(service: Service) -> object:
    await service.sweep()
    return None


async def sweep_a_start_that_never_reached_the_store(world: World) -> Request:
    await interrupt_start(world, UnavailableStore)
    return _sweep_after_leases(world)


async def sweep_a_start_whose_answer_was_lost(world: World) -> Request:
    await interrupt_start(world, StoreAnswersLost)
    return _sweep_after_leases(world)


async def sweep_a_complete_that_never_reached_the_store(world: World) -> Request:
    await interrupt_complete(world, UnavailableStore)
    return _sweep_after_leases(world)


async def sweep_a_complete_whose_answer_was_lost(world: World) -> Request:
    await interrupt_complete(world, StoreAnswersLost)
    return _sweep_after_leases(world)


async def sweep_a_complete_of_another_type_whose_answer_was_lost(world: World) -> Request:
    await interrupt_complete(world, StoreAnswersLost, await upload_disguised(world))
    return _sweep_after_leases(world)


async def sweep_a_whole_upload_of_another_type(world: World) -> Request:
    await upload_disguised(world)
    world.pass_expiry()
    return Request(_sweep)


async def sweep_a_complete_of_a_lost_upload(world: World) -> Request:
    await world.lose(await interrupt_complete(world, UnavailableStore))
    return _sweep_after_leases(world)


async def sweep_a_complete_that_lacks_a_part(world: World) -> Request:
    session = await interrupt_complete(world, UnavailableStore)
    # The client has since replaced the part without a report, so no promise holds for its bytes.
    await world.send(session, body=b"other")
    world.acknowledged[session.id].clear()
    return _sweep_after_leases(world)


async def sweep_an_expired_complete_that_always_fails(world: World) -> Request:
    world.drop_expectations(await interrupt_complete(world, UnavailableStore))
    world.pass_expiry()
    return Request(_sweep, wrap_store(StoreFailingToComplete))


async def sweep_an_abort_that_never_reached_the_store(world: World) -> Request:
    await interrupt_abort(world, UnavailableStore)
    return _sweep_after_leases(world)


async def sweep_an_abort_whose_answer_was_lost(world: World) -> Request:
    await interrupt_abort(world, StoreAnswersLost)
    return _sweep_after_leases(world)


async def sweep_expired_uploads(world: World) -> Request:
    world.drop_expectations(await world.start_and_upload())
    await world.service.start_session()
    world.pass_expiry()
    return Request(_sweep)


async def sweep_an_upload_that_was_sent_in_full(world: World) -> Request:
    session = await world.service.start_session(len(BODY))
    await world.send(session)
    world.pass_expiry()
    return Request(_sweep)


async def sweep_a_whole_upload_that_the_store_refuses(world: World) -> Request:
    world.drop_expectations(await world.start_and_upload())
    world.pass_expiry()
    return Request(_sweep, wrap_store(RefusingStore))


async def sweep_an_expired_lost_upload(world: World) -> Request:
    await lose_upload(world)
    world.pass_expiry()
    return Request(_sweep)


async def sweep_an_old_upload_with_recent_unreported_parts(world: World) -> Request:
    session = await world.start_and_upload(size=None)
    world.service.clock.time += world.service.policy.expiry / 2
    await world.send(session, 2)
    world.service.clock.time += world.service.policy.expiry / 2
    world.pass_leases_and_grace()
    return Request(_sweep)


async def sweep_a_second_store_upload(world: World) -> Request:
    await open_second_store_upload(world, await world.start_and_upload())
    return _sweep_after_leases(world)


async def sweep_a_store_upload_opened_after_completion(world: World) -> Request:
    session = await world.start_and_upload()
    await world.service.complete(reference_to(session))
    await open_second_store_upload(world, session)
    return _sweep_after_leases(world)


async def sweep_sessions_past_their_retention(world: World) -> Request:
    for end in (world.service.complete, world.service.abort):
        session = await world.start_and_upload()
        await end(reference_to(session))
        world.drop_expectations(session)
        world.purged.add(session.key)
    world.service.clock.time += world.service.policy.retention
    world.pass_leases_and_grace()
    return Request(_sweep)


async def sweep_several_interrupted_uploads(world: World) -> Request:
    await interrupt_start(world, StoreAnswersLost)
    await interrupt_complete(world, UnavailableStore)
    await interrupt_complete(world, StoreAnswersLost)
    await interrupt_abort(world, UnavailableStore)
    return await sweep_a_second_store_upload(world)


async def sweep_nothing(world: World) -> Request:
    await world.service.start_session(len(BODY))
    return Request(_sweep)


def _sweep_after_leases(world: World) -> Request:
    world.pass_leases_and_grace()
    return Request(_sweep)
