"""Scenarios that count uploads in quotas."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from multipart_upload.domain.quota import QuotaLimits
from multipart_upload.domain.session import SessionState
from tests.unit.faults import UnavailableStore
from tests.unit.service import BODY, Service, new_upload, reference_to

from .requests import Request
from .starting import interrupt_start, start_and_put, start_with_key
from .world import World

_SIZE: Final = len(BODY)
LIMITS: Final = QuotaLimits(
    open_uploads=1, open_bytes=_SIZE, period_bytes=3 * _SIZE, period=timedelta(days=365)
)


async def start_the_only_upload_of_a_quota(world: World) -> Request:
    world.count_in_quotas(LIMITS)
    return Request(start_with_key, late_answer=(SessionState.EXPIRED, 1))


async def start_the_only_upload_of_a_quota_without_a_key(world: World) -> Request:
    world.count_in_quotas(QuotaLimits())
    return Request(start_and_put)


async def complete_a_counted_upload(world: World) -> Request:
    world.count_in_quotas(LIMITS)
    session = await world.start_and_upload()

    async def complete(service: Service) -> object:
        ended = await service.complete(reference_to(session))
        return ended.state

    return Request(complete)


async def abort_a_counted_upload(world: World) -> Request:
    world.count_in_quotas(LIMITS)
    session = await world.start_and_upload()
    world.drop_expectations(session)

    async def abort(service: Service) -> object:
        return (await service.abort(reference_to(session))).state

    return Request(abort)


async def sweep_a_counted_upload_that_has_expired(world: World) -> Request:
    world.count_in_quotas(LIMITS)
    world.drop_expectations(await world.start_and_upload())
    world.pass_expiry()
    return Request(_sweep)


async def sweep_a_reservation_without_a_session(world: World) -> Request:
    world.count_in_quotas(LIMITS)
    assert world.service.quotas is not None
    session = await world.service.start(new_upload(size=_SIZE, user_id="gone"))
    now = world.service.clock.now()
    await world.service.abort(reference_to(session))
    await world.service.quotas.reserve(LIMITS.reservation_for(session, now), LIMITS)
    world.pass_leases_and_grace()
    return Request(_sweep)


async def repair_what_an_audit_finds(world: World) -> Request:
    world.uncounted.add((await world.start_and_upload()).id)
    world.count_in_quotas(LIMITS)
    assert world.service.quotas is not None
    session = await world.service.start_session(_SIZE)
    gone = replace(LIMITS.reservation_for(session, session.created_at), upload_id="gone")
    await world.service.quotas.reserve(gone, QuotaLimits())
    world.pass_leases_and_grace()
    return Request(_repair)


async def repeat_a_counted_start_that_never_reached_the_store(world: World) -> Request:
    world.count_in_quotas(LIMITS)
    await interrupt_start(world, UnavailableStore)
    return Request(start_with_key, late_answer=(SessionState.EXPIRED, 1))


async def _repair(service: Service) -> object:
    await service.audit_quotas(repair=True)
    await service.sweep()
    return None


async def _sweep(service: Service) -> object:
    await service.sweep()
    return None
