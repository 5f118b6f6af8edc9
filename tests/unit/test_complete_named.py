"""Completing by the client's own list of parts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multipart_upload.application.complete_named_parts import NamedPart
from multipart_upload.domain.errors import (
    PartsMissingError,
    PartsUnnamedError,
    SessionNotFoundError,
    StoreUnavailableError,
    TransitionError,
)
from multipart_upload.domain.session import SessionState, UploadSession

from .faults import StoreAnswersLost
from .service import MIB, Service, address_of

BODIES = {1: b"a" * 5 * MIB, 2: b"b" * 5 * MIB, 3: b"tail"}


async def sent(service: Service) -> tuple[UploadSession, list[NamedPart]]:
    """Upload three parts that nobody reports, as Uppy does."""
    session = await service.started()
    named = [NamedPart(n, await service.put(session, n, body)) for n, body in BODIES.items()]
    return session, named


async def test_the_parts_that_are_there_are_joined(service: Service) -> None:
    session, named = await sent(service)
    completed = await service.complete_named(address_of(session), named)
    assert completed.state is SessionState.COMPLETED
    assert service.bucket.objects[session.key].body == b"".join(BODIES.values())


async def test_order_and_quotes_do_not_matter(service: Service) -> None:
    session, named = await sent(service)
    mixed = [named[2], NamedPart(1, named[0].etag.strip('"')), named[1]]
    await service.complete_named(address_of(session), mixed)
    assert service.bucket.objects[session.key].body == b"".join(BODIES.values())


async def test_a_part_that_is_not_there_is_named_and_the_session_stays_open(
    service: Service,
) -> None:
    session, named = await sent(service)
    forged = [*named, NamedPart(4, "0" * 32)]
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete_named(address_of(session), forged)
    assert refusal.value.facts["missing_parts"] == [4]
    assert refusal.value.facts["mismatched_parts"] == []
    assert (await service.complete_named(address_of(session), named)).result is not None


async def test_a_part_with_another_etag_is_named_and_nothing_is_joined(service: Service) -> None:
    session, named = await sent(service)
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete_named(
            address_of(session), [*named[:2], replace(named[2], etag='"' + "0" * 32 + '"')]
        )
    assert refusal.value.facts["mismatched_parts"] == [3]
    assert refusal.value.facts["missing_parts"] == []
    assert session.key not in service.bucket.objects


async def test_a_number_named_twice_must_be_right_twice(service: Service) -> None:
    session, named = await sent(service)
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete_named(address_of(session), [NamedPart(1, "x"), *named])
    assert refusal.value.facts["mismatched_parts"] == [1]


async def test_a_part_that_is_not_named_does_not_get_into_the_object(service: Service) -> None:
    session, named = await sent(service)
    with pytest.raises(PartsUnnamedError) as refusal:
        await service.complete_named(address_of(session), named[:2])
    assert refusal.value.facts["unnamed_parts"] == [3]
    assert session.key not in service.bucket.objects


async def test_the_same_list_gives_the_same_result_again(service: Service) -> None:
    session, named = await sent(service)
    first = await service.complete_named(address_of(session), named)
    assert await service.complete_named(address_of(session), named[::-1]) == first


async def test_another_list_is_refused_after_the_end(service: Service) -> None:
    session, named = await sent(service)
    await service.complete_named(address_of(session), named)
    with pytest.raises(PartsUnnamedError):
        await service.complete_named(address_of(session), named[:2])
    with pytest.raises(PartsMissingError):
        await service.complete_named(address_of(session), [*named[:2], NamedPart(3, "x")])


async def test_a_complete_whose_answer_was_lost_is_found_again(service: Service) -> None:
    session, named = await sent(service)
    losing = replace(service, store=StoreAnswersLost(service.bucket))
    with pytest.raises(StoreUnavailableError):
        await losing.complete_named(address_of(session), named)
    completed = await service.complete_named(address_of(session), named)
    assert completed.state is SessionState.COMPLETED


async def test_of_a_lost_upload_all_parts_are_missing(service: Service) -> None:
    session, named = await sent(service)
    await service.bucket.abort_upload(session.key, session.open_store_upload_id)
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete_named(address_of(session), named)
    assert refusal.value.facts["missing_parts"] == [1, 2, 3]


async def test_an_aborted_upload_is_refused_for_its_state_whatever_the_list(
    service: Service,
) -> None:
    session, named = await sent(service)
    await service.abort(address_of(session))
    with pytest.raises(TransitionError):
        await service.complete_named(address_of(session), named)


async def test_another_users_session_is_not_there(service: Service) -> None:
    session, named = await sent(service)
    with pytest.raises(SessionNotFoundError):
        await service.complete_named(replace(address_of(session), user_id="eve"), named)
