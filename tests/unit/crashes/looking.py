"""Uploads that are looked at, some of which the store no longer has."""

from __future__ import annotations

from functools import partial

from multipart_upload.application.check_lifecycle import CheckLifecycle
from multipart_upload.application.check_readiness import CheckReadiness
from multipart_upload.application.ports import SessionQuery
from multipart_upload.domain.session import UploadSession
from tests.unit.faults import StoreAnswersLost
from tests.unit.service import Service, address_of

from .completing import left_completing
from .requests import Call, Request
from .world import USER, World


async def told(session: UploadSession, service: Service) -> object:
    status = await service.status(address_of(session))
    parts = [(part.number, part.state, part.etag) for part in status.parts]
    return status.session.state, status.session.is_lost, parts, status.missing_parts


async def told_whether_lost(session: UploadSession, service: Service) -> object:
    return (await service.status(address_of(session))).session.is_lost


async def listed(service: Service) -> object:
    page = await service.list_sessions(SessionQuery(user_id=USER))
    return [session.state for session in page.sessions]


def asking(session: UploadSession) -> Call:
    return partial(told, session)


async def look(world: World) -> Request:
    return Request(asking(await world.uploaded()))


async def look_at_what_is_completed(world: World) -> Request:
    session = await world.uploaded()
    await world.service.complete(address_of(session))
    return Request(asking(session))


async def look_at_what_the_store_has_lost(world: World) -> Request:
    session = await world.uploaded()
    await world.lose(session)
    return Request(asking(session))


async def look_at_what_the_store_has_joined_for_one_who_died(world: World) -> Request:
    session = await left_completing(world, StoreAnswersLost)
    # Whether it is completed by now depends on the sweep, but lost it never is.
    return Request(partial(told_whether_lost, session))


async def list_uploads(world: World) -> Request:
    await world.uploaded()
    return Request(listed)


async def ask_whether_the_service_is_ready(_world: World) -> Request:
    return Request(lambda service: CheckReadiness(service.sessions, service.store)())


async def ask_for_the_rule_of_the_bucket(_world: World) -> Request:
    return Request(lambda service: CheckLifecycle(service.store, service.policy)())
