"""Uploads that their clients throw away."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from multipart_upload.application.ports import NewObject
from multipart_upload.domain.errors import TransitionError, UnavailableError
from multipart_upload.domain.session import UploadSession
from tests.unit.faults import StoreAnswersLost, StoreAway, StoreForbidding
from tests.unit.proxies import StoreProxy
from tests.unit.service import Service, address_of

from .completing import left_completing
from .requests import Call, Request, store_as
from .sending import lost
from .world import World


async def aborted(session: UploadSession, service: Service) -> object:
    ended = await service.abort(address_of(session))
    return ended.id == session.id, ended.state


def aborting(world: World, session: UploadSession) -> Call:
    world.give_up(session)
    return partial(aborted, session)


async def abort(world: World) -> Request:
    return Request(aborting(world, await world.uploaded()))


async def abort_again(world: World) -> Request:
    session = await world.uploaded()
    await world.service.abort(address_of(session))
    return Request(aborting(world, session))


async def abort_before_the_first_part(world: World) -> Request:
    return Request(aborting(world, await world.service.started()))


async def abort_what_the_store_has_opened_twice(world: World) -> Request:
    session = await world.uploaded()
    await open_another(world, session)
    return Request(aborting(world, session))


async def abort_what_the_store_has_lost(world: World) -> Request:
    return Request(aborting(world, await lost(world)))


async def abort_while_the_store_is_away(world: World) -> Request:
    return Request(aborting(world, await world.uploaded()), store_as(StoreAway))


async def abort_for_one_who_never_reached_the_store(world: World) -> Request:
    return Request(aborting(world, await left_aborting(world, StoreAway)))


async def abort_for_one_whom_the_store_never_answered(world: World) -> Request:
    return Request(aborting(world, await left_aborting(world, StoreAnswersLost)))


async def abort_a_complete_that_never_reached_the_store(world: World) -> Request:
    call = aborting(world, await left_completing(world, StoreAway))
    # A sweep that comes first brings the complete to its end.
    return Request(call, late_answer=TransitionError)


async def abort_a_complete_that_the_store_never_answered(world: World) -> Request:
    session = await left_completing(world, StoreAnswersLost)
    # It has committed: the upload is completed, and the abort refused.
    return Request(partial(aborted, session))


async def abort_a_complete_that_the_store_refuses_to_tell_of(world: World) -> Request:
    session = await left_completing(world, StoreAnswersLost)
    return Request(
        partial(aborted, session), store_as(lambda store: StoreForbidding(store, "head_object"))
    )


async def left_aborting(world: World, store: type[StoreProxy]) -> UploadSession:
    """Give a session that somebody has begun to abort, and not ended."""
    session = await world.uploaded()
    world.give_up(session)
    with pytest.raises(UnavailableError):
        await replace(world.service, store=store(world.service.store)).abort(address_of(session))
    return await world.service.now(session)


async def open_another(world: World, session: UploadSession) -> None:
    """Leave in the store what one leaves who dies before the row names the upload."""
    new = NewObject(key=session.key, upload_id=session.id, filename="f", content_type="text/plain")
    await world.service.bucket.create_upload(new)
