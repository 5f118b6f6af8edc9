"""Scenarios that complete uploads, with success or without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import pytest

from multipart_upload.application.ports import ObjectStore
from multipart_upload.domain.checksum import encode_checksum
from multipart_upload.domain.content_check import ContentCheck
from multipart_upload.domain.errors import UnavailableError
from multipart_upload.domain.named_parts import NamedPart
from multipart_upload.domain.session import UploadSession
from tests.unit.faults import ForbiddingStore, StoreAnswersLost, UnavailableStore
from tests.unit.proxies import StoreProxy
from tests.unit.service import BODY, MIB, Service, new_upload, reference_to

from .interleavings import RenewalAnswerLost, SlowStore
from .requests import Call, Request, wrap_store
from .sending import lose_upload
from .world import World

SMALLEST_PART: Final = bytes(5 * MIB)
PAGE: Final = b"<!DOCTYPE html><html></html>"


async def complete_session(
    session: UploadSession, service: Service, named: Sequence[NamedPart] | None = None
) -> object:
    ended = await service.complete(reference_to(session), named)
    assert ended.result is not None
    owner = ended.result.upload_id, ended.result.nonce
    result = replace(ended.result, location="", upload_id=None, nonce=None)
    return ended.state, owner == (session.id, session.nonce), result


def make_complete_call(session: UploadSession) -> Call:
    return partial(complete_session, session)


async def complete(world: World) -> Request:
    return Request(make_complete_call(await world.start_and_upload()))


async def complete_again(world: World) -> Request:
    session = await world.start_and_upload()
    await world.service.complete(reference_to(session))
    return Request(make_complete_call(session))


async def complete_without_a_plan_and_with_an_unreported_part(world: World) -> Request:
    session = await world.service.start_session()
    await world.upload(session, 1, SMALLEST_PART)
    await world.send(session, 2)
    return Request(make_complete_call(session))


async def complete_with_named_parts(world: World) -> Request:
    session = await world.service.start_session()
    named = [NamedPart(1, await world.send(session))]
    return Request(partial(complete_session, session, named=named))


async def complete_with_some_parts_named(world: World) -> Request:
    session = await world.service.start_session()
    await world.send(session, 1, SMALLEST_PART)
    named = [NamedPart(2, await world.send(session, 2))]
    return Request(partial(complete_session, session, named=named))


async def complete_without_any_report(world: World) -> Request:
    session = await world.service.start_session(len(BODY))
    await world.send(session)
    return Request(make_complete_call(session))


async def complete_without_any_part(world: World) -> Request:
    return Request(make_complete_call(await world.service.start_session()))


async def complete_with_a_part_missing(world: World) -> Request:
    return Request(make_complete_call(await world.upload(await world.service.start_session(), 2)))


async def complete_with_a_part_too_small(world: World) -> Request:
    session = await world.service.start_session()
    await world.upload(session, 1)
    return Request(make_complete_call(await world.upload(session, 2)))


async def complete_more_bytes_than_the_client_declared(world: World) -> Request:
    session = await world.service.start(replace(new_upload(), max_size=len(BODY) - 1))
    session = await world.upload(session)
    world.drop_expectations(session)
    return Request(make_complete_call(session))


async def complete_a_file_of_the_declared_type(world: World) -> Request:
    world.check_content(ContentCheck.REFUSE)
    return Request(make_complete_call(await world.start_and_upload()))


async def complete_a_file_of_another_type(world: World) -> Request:
    return Request(make_complete_call(await upload_disguised(world)))


async def complete_a_file_of_another_type_while_deleting_it_is_forbidden(world: World) -> Request:
    session = await upload_disguised(world)
    return Request(make_complete_call(session), wrap_store(_forbid("delete_object")))


async def complete_a_file_with_another_checksum(world: World) -> Request:
    new = replace(new_upload(size=len(BODY)), checksum=encode_checksum(0))
    session = await world.upload(await world.service.start(new))
    world.drop_expectations(session)
    return Request(make_complete_call(session))


async def complete_while_the_object_cannot_be_read(world: World) -> Request:
    world.check_content(ContentCheck.REFUSE)
    session = await world.start_and_upload()
    return Request(make_complete_call(session), wrap_store(_forbid("read_start")))


async def complete_unchecked_while_the_object_cannot_be_read(world: World) -> Request:
    world.check_content(ContentCheck.REPORT)
    session = await world.start_and_upload()
    return Request(make_complete_call(session), wrap_store(_forbid("read_start")))


async def complete_an_upload_lost_by_the_store(world: World) -> Request:
    session = await world.start_and_upload()
    await world.lose(session)
    return Request(make_complete_call(session))


async def complete_an_upload_lost_before_any_report(world: World) -> Request:
    session = await world.service.start_session(len(BODY))
    await world.send(session)
    await world.lose(session)
    return Request(make_complete_call(session))


async def complete_an_upload_known_to_be_lost(world: World) -> Request:
    return Request(make_complete_call(await lose_upload(world)))


async def complete_while_the_store_is_slow(world: World) -> Request:
    lease = world.service.policy.lease.total_seconds()
    slow = wrap_store(lambda store: SlowStore(store, lease))
    return Request(make_complete_call(await world.start_and_upload()), slow)


async def complete_while_a_lease_renewal_loses_its_answer(world: World) -> Request:
    lease = world.service.policy.lease.total_seconds()

    def slow_down(service: Service) -> Service:
        slow = SlowStore(service.store, lease)
        return replace(service, store=slow, sessions=RenewalAnswerLost(service.sessions))

    return Request(make_complete_call(await world.start_and_upload()), slow_down)


async def complete_while_the_store_is_unavailable(world: World) -> Request:
    return Request(make_complete_call(await world.start_and_upload()), wrap_store(UnavailableStore))


async def complete_while_store_answers_are_lost(world: World) -> Request:
    return Request(make_complete_call(await world.start_and_upload()), wrap_store(StoreAnswersLost))


async def complete_while_list_parts_is_forbidden(world: World) -> Request:
    return Request(
        make_complete_call(await world.start_and_upload()), wrap_store(_forbid("list_parts"))
    )


async def complete_again_while_list_parts_is_forbidden(world: World) -> Request:
    session = await interrupt_complete(world, UnavailableStore)
    return Request(make_complete_call(session), wrap_store(_forbid("list_parts")))


async def complete_after_a_complete_that_never_reached_the_store(world: World) -> Request:
    return Request(make_complete_call(await interrupt_complete(world, UnavailableStore)))


async def complete_after_a_complete_whose_answer_was_lost(world: World) -> Request:
    return Request(make_complete_call(await interrupt_complete(world, StoreAnswersLost)))


def _forbid(*calls: str) -> Callable[[ObjectStore], ObjectStore]:
    return lambda store: ForbiddingStore(store, *calls)


async def upload_disguised(world: World) -> UploadSession:
    """Upload a page that is declared as a film, which a complete refuses."""
    world.check_content(ContentCheck.REFUSE)
    session = await world.service.start_session(len(PAGE))
    session = await world.upload(session, body=PAGE)
    world.drop_expectations(session)
    return session


async def interrupt_complete(
    world: World, store: type[StoreProxy], session: UploadSession | None = None
) -> UploadSession:
    """Leave a session completing, after its store failed, and return it."""
    session = session or await world.start_and_upload()
    with pytest.raises(UnavailableError):
        await replace(world.service, store=store(world.service.store)).complete(
            reference_to(session)
        )
    return await world.service.reload(session)
