"""Parts that are signed, sent and reported."""

from __future__ import annotations

from functools import partial

from multipart_upload.application.ports import SignedPart
from multipart_upload.application.record_parts import PartReport
from multipart_upload.domain.session import SessionState, UploadSession
from tests.unit.service import BODY, Service, address_of, new_upload

from .interleavings import ReportOvertaken, RepositoryOvertaken, SlowStore, StoreOvertaken, refused
from .requests import Call, Request, sessions_as, store_as
from .world import World


async def sent(session: UploadSession, service: Service) -> object:
    signed = await service.sign(address_of(session), 1, len(BODY))
    return await service.bucket.put(signed, BODY)


async def reported(
    acknowledged: set[int], session: UploadSession, number: int, etag: str, service: Service
) -> object:
    answer = await service.record(address_of(session), number, etag, len(BODY))
    acknowledged.add(number)
    return answer


async def sent_by_batch(session: UploadSession, service: Service) -> object:
    address = address_of(session)
    signed = await service.sign_many(address, [range(1, 2)])
    url = SignedPart(signed.urls[1], {}, signed.expires_at)
    return await service.bucket.put(url, BODY)


async def reported_by_batch(
    acknowledged: set[int], session: UploadSession, etag: str, service: Service
) -> object:
    reports = [PartReport(1, etag, len(BODY))]
    answer = await service.record_many(address_of(session), reports)
    acknowledged.add(1)
    return answer


async def signed_as_a_form(service: Service) -> object:
    return type(await service.sign_single(new_upload()))


def sending(session: UploadSession) -> Call:
    """Sign a part and PUT it."""
    return partial(sent, session)


def reporting(world: World, session: UploadSession, number: int, etag: str) -> Call:
    return partial(reported, world.acknowledged[session.id], session, number, etag)


async def lost(world: World) -> UploadSession:
    """Give an upload that the store has thrown away, which the service has noticed."""
    session = await world.uploaded()
    await world.lose(session)
    await world.service.status(address_of(session))
    return await world.service.now(session)


async def sign(world: World) -> Request:
    return Request(sending(await world.service.started(len(BODY))))


async def sign_many(world: World) -> Request:
    return Request(partial(sent_by_batch, await world.service.started(len(BODY))))


async def sign_many_of_a_lost_upload(world: World) -> Request:
    return Request(partial(sent_by_batch, await lost(world)))


async def sign_a_form(_: World) -> Request:
    return Request(signed_as_a_form)


async def report_many(world: World) -> Request:
    session = await world.service.started(len(BODY))
    etag = await world.send(session)
    acknowledged = world.acknowledged[session.id]
    return Request(partial(reported_by_batch, acknowledged, session, etag))


async def sign_a_part_of_a_lost_upload(world: World) -> Request:
    return Request(sending(await lost(world)))


async def sign_a_part_of_a_lost_upload_while_the_store_is_slow(world: World) -> Request:
    lease = world.service.policy.lease.total_seconds()
    slow = store_as(lambda store: SlowStore(store, lease))
    return Request(sending(await lost(world)), slow)


async def sign_a_part_of_a_lost_upload_that_another_opens_first(world: World) -> Request:
    session = await lost(world)

    async def opened() -> None:
        # As one who takes over from a process that was held up for longer than its lease.
        world.service.clock.time += world.service.policy.lease
        await world.service.sign(address_of(session), 1)

    return Request(sending(session), store_as(lambda store: StoreOvertaken(store, opened)))


async def report_the_first_part(world: World) -> Request:
    session = await world.service.started(len(BODY))
    return Request(reporting(world, session, 1, await world.send(session)))


async def report_a_part_once_more(world: World) -> Request:
    session = await world.uploaded()
    return Request(reporting(world, session, 1, await world.send(session)))


async def report_a_part_after_hours(world: World) -> Request:
    session = await world.uploaded(size=None)
    world.service.clock.advance(hours=5)
    return Request(reporting(world, session, 2, await world.send(session, 2)))


async def report_a_part_while_its_twin_comes_first(world: World) -> Request:
    session = await world.service.started(len(BODY))
    twin = partial(world.upload, session)
    overtaken = sessions_as(
        lambda sessions: RepositoryOvertaken(sessions, SessionState.IN_PROGRESS, twin)
    )
    return Request(reporting(world, session, 1, await world.send(session)), overtaken)


async def report_a_part_amid_a_complete_that_is_refused(world: World) -> Request:
    session = await world.uploaded()
    overtaken = sessions_as(lambda sessions: ReportOvertaken(sessions, refused))
    return Request(reporting(world, session, 1, await world.send(session)), overtaken)
