"""Scenarios that sign, upload and report parts."""

from __future__ import annotations

from functools import partial

from multipart_upload.application.ports import SignedPart
from multipart_upload.application.record_parts import PartReport
from multipart_upload.domain.session import SessionState, UploadSession
from tests.unit.service import BODY, Service, new_upload, reference_to

from .interleavings import (
    InterleavedCreate,
    InterleavedReport,
    InterleavedSave,
    SlowStore,
    refuse_report,
)
from .requests import Call, Request, wrap_sessions, wrap_store
from .world import World


async def sign_and_put(session: UploadSession, service: Service) -> object:
    signed = await service.sign(reference_to(session), 1, len(BODY))
    return await service.bucket.put(signed, BODY)


async def report_part(
    acknowledged: set[int], session: UploadSession, number: int, etag: str, service: Service
) -> object:
    answer = await service.record(reference_to(session), number, etag, len(BODY))
    acknowledged.add(number)
    return answer


async def sign_batch_and_put(session: UploadSession, service: Service) -> object:
    address = reference_to(session)
    signed = await service.sign_many(address, [range(1, 2)])
    url = SignedPart(signed.urls[1], {}, signed.expires_at)
    return await service.bucket.put(url, BODY)


async def report_batch(
    acknowledged: set[int], session: UploadSession, etag: str, service: Service
) -> object:
    reports = [PartReport(1, etag, len(BODY))]
    answer = await service.record_many(reference_to(session), reports)
    acknowledged.add(1)
    return answer


async def sign_form_type(service: Service) -> object:
    return type(await service.sign_single(new_upload()))


def make_sign_call(session: UploadSession) -> Call:
    """Make a call that signs a part and PUTs it."""
    return partial(sign_and_put, session)


def make_report_call(world: World, session: UploadSession, number: int, etag: str) -> Call:
    return partial(report_part, world.acknowledged[session.id], session, number, etag)


async def lose_upload(world: World) -> UploadSession:
    """Return an upload that the store has lost, after the service has noticed."""
    session = await world.start_and_upload()
    await world.lose(session)
    await world.service.status(reference_to(session))
    return await world.service.reload(session)


async def sign(world: World) -> Request:
    return Request(make_sign_call(await world.service.start_session(len(BODY))))


async def sign_many(world: World) -> Request:
    return Request(partial(sign_batch_and_put, await world.service.start_session(len(BODY))))


async def sign_many_of_a_lost_upload(world: World) -> Request:
    return Request(partial(sign_batch_and_put, await lose_upload(world)))


async def sign_a_form(_: World) -> Request:
    return Request(sign_form_type)


async def report_many(world: World) -> Request:
    session = await world.service.start_session(len(BODY))
    etag = await world.send(session)
    acknowledged = world.acknowledged[session.id]
    return Request(partial(report_batch, acknowledged, session, etag))


async def sign_a_part_of_a_lost_upload(world: World) -> Request:
    return Request(make_sign_call(await lose_upload(world)))


async def sign_a_part_of_a_lost_upload_while_the_store_is_slow(world: World) -> Request:
    lease = world.service.policy.lease.total_seconds()
    slow = wrap_store(lambda store: SlowStore(store, lease))
    return Request(make_sign_call(await lose_upload(world)), slow)


async def sign_a_part_of_a_lost_upload_reopened_by_another_process(world: World) -> Request:
    session = await lose_upload(world)

    async def reopen() -> None:
        # As another process takes over when the first one stalls past its lease.
        world.service.clock.time += world.service.policy.lease
        await world.service.sign(reference_to(session), 1)

    return Request(
        make_sign_call(session), wrap_store(lambda store: InterleavedCreate(store, reopen))
    )


async def report_the_first_part(world: World) -> Request:
    session = await world.service.start_session(len(BODY))
    return Request(make_report_call(world, session, 1, await world.send(session)))


async def report_a_part_again(world: World) -> Request:
    session = await world.start_and_upload()
    return Request(make_report_call(world, session, 1, await world.send(session)))


async def report_a_part_hours_later(world: World) -> Request:
    session = await world.start_and_upload(size=None)
    world.service.clock.advance(hours=5)
    return Request(make_report_call(world, session, 2, await world.send(session, 2)))


async def report_a_part_after_a_concurrent_report(world: World) -> Request:
    session = await world.service.start_session(len(BODY))
    other_report = partial(world.upload, session)
    interleaved = wrap_sessions(
        lambda sessions: InterleavedSave(sessions, SessionState.IN_PROGRESS, other_report)
    )
    return Request(make_report_call(world, session, 1, await world.send(session)), interleaved)


async def report_a_part_during_a_refused_complete(world: World) -> Request:
    session = await world.start_and_upload()
    interleaved = wrap_sessions(lambda sessions: InterleavedReport(sessions, refuse_report))
    return Request(make_report_call(world, session, 1, await world.send(session)), interleaved)
