"""Scenarios that only read: status, lists, readiness and the lifecycle rule."""

from __future__ import annotations

from functools import partial

from multipart_upload.application.check_lifecycle import CheckLifecycle
from multipart_upload.application.check_readiness import CheckReadiness
from multipart_upload.application.ports import SessionQuery
from multipart_upload.domain.session import UploadSession
from tests.unit.faults import StoreAnswersLost
from tests.unit.service import Service, reference_to

from .completing import interrupt_complete
from .requests import Call, Request
from .world import USER, World


async def read_status(session: UploadSession, service: Service) -> object:
    status = await service.status(reference_to(session))
    parts = [(part.number, part.state, part.etag) for part in status.parts]
    return status.session.state, status.session.is_lost, parts, status.missing_parts


async def read_is_lost(session: UploadSession, service: Service) -> object:
    return (await service.status(reference_to(session))).session.is_lost


async def list_states(service: Service) -> object:
    page = await service.list_sessions(SessionQuery(user_id=USER))
    return [session.state for session in page.sessions]


def make_status_call(session: UploadSession) -> Call:
    return partial(read_status, session)


async def read_the_status(world: World) -> Request:
    return Request(make_status_call(await world.start_and_upload()))


async def read_the_status_of_a_completed_upload(world: World) -> Request:
    session = await world.start_and_upload()
    await world.service.complete(reference_to(session))
    return Request(make_status_call(session))


async def read_the_status_of_an_upload_lost_by_the_store(world: World) -> Request:
    session = await world.start_and_upload()
    await world.lose(session)
    return Request(make_status_call(session))


async def read_the_status_after_a_complete_whose_answer_was_lost(world: World) -> Request:
    session = await interrupt_complete(world, StoreAnswersLost)
    # Whether it is completed yet depends on the sweep, but it is never lost.
    return Request(partial(read_is_lost, session))


async def list_uploads(world: World) -> Request:
    await world.start_and_upload()
    return Request(list_states)


async def check_readiness(_world: World) -> Request:
    return Request(lambda service: CheckReadiness(service.sessions, service.store)())


async def check_the_lifecycle_rule(_world: World) -> Request:
    return Request(lambda service: CheckLifecycle(service.store, service.policy)())
