"""Scenarios that abort uploads."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from multipart_upload.application.ports import NewObject
from multipart_upload.domain.errors import TransitionError, UnavailableError
from multipart_upload.domain.session import UploadSession
from tests.unit.faults import ForbiddingStore, StoreAnswersLost, UnavailableStore
from tests.unit.proxies import StoreProxy
from tests.unit.service import Service, reference_to

from .completing import interrupt_complete, upload_disguised
from .requests import Call, Request, wrap_store
from .sending import lose_upload
from .world import World


async def abort_session(session: UploadSession, service: Service) -> object:
    ended = await service.abort(reference_to(session))
    return ended.id == session.id, ended.state


def make_abort_call(world: World, session: UploadSession) -> Call:
    world.drop_expectations(session)
    return partial(abort_session, session)


async def abort(world: World) -> Request:
    return Request(make_abort_call(world, await world.start_and_upload()))


async def abort_again(world: World) -> Request:
    session = await world.start_and_upload()
    await world.service.abort(reference_to(session))
    return Request(make_abort_call(world, session))


async def abort_before_the_first_part(world: World) -> Request:
    return Request(make_abort_call(world, await world.service.start_session()))


async def abort_with_two_store_uploads(world: World) -> Request:
    session = await world.start_and_upload()
    await open_second_store_upload(world, session)
    return Request(make_abort_call(world, session))


async def abort_an_upload_lost_by_the_store(world: World) -> Request:
    return Request(make_abort_call(world, await lose_upload(world)))


async def abort_while_the_store_is_unavailable(world: World) -> Request:
    return Request(
        make_abort_call(world, await world.start_and_upload()), wrap_store(UnavailableStore)
    )


async def abort_after_an_abort_that_never_reached_the_store(world: World) -> Request:
    return Request(make_abort_call(world, await interrupt_abort(world, UnavailableStore)))


async def abort_after_an_abort_whose_answer_was_lost(world: World) -> Request:
    return Request(make_abort_call(world, await interrupt_abort(world, StoreAnswersLost)))


async def abort_after_a_complete_that_never_reached_the_store(world: World) -> Request:
    call = make_abort_call(world, await interrupt_complete(world, UnavailableStore))
    # A sweep that runs first finishes the complete.
    return Request(call, late_answer=TransitionError)


async def abort_after_a_complete_whose_answer_was_lost(world: World) -> Request:
    session = await interrupt_complete(world, StoreAnswersLost)
    # The store has committed: the upload is completed and the abort is refused.
    return Request(partial(abort_session, session))


async def abort_after_a_complete_of_another_type_whose_answer_was_lost(world: World) -> Request:
    session = await upload_disguised(world)
    session = await interrupt_complete(world, StoreAnswersLost, session)
    return Request(partial(abort_session, session))


async def abort_after_a_complete_while_head_object_is_forbidden(world: World) -> Request:
    session = await interrupt_complete(world, StoreAnswersLost)
    return Request(
        partial(abort_session, session),
        wrap_store(lambda store: ForbiddingStore(store, "head_object")),
    )


async def interrupt_abort(world: World, store: type[StoreProxy]) -> UploadSession:
    """Leave a session aborting, after its store failed, and return it."""
    session = await world.start_and_upload()
    world.drop_expectations(session)
    with pytest.raises(UnavailableError):
        await replace(world.service, store=store(world.service.store)).abort(reference_to(session))
    return await world.service.reload(session)


async def open_second_store_upload(world: World, session: UploadSession) -> None:
    """Open a store upload that no row refers to, as after a crash before the row was saved."""
    new = NewObject(key=session.key, upload_id=session.id, filename="f", content_type="text/plain")
    await world.service.bucket.create_upload(new)
