"""Completing with a list of parts from the client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from multipart_upload.domain.errors import (
    PartsMissingError,
    PartsRefusedError,
    PartsUnnamedError,
    SessionNotFoundError,
    StoreUnavailableError,
    TransitionError,
)
from multipart_upload.domain.named_parts import NamedPart
from multipart_upload.domain.part import StoredPart
from multipart_upload.domain.session import SessionState, StoredObject, UploadSession

from .faults import StoreAnswersLost
from .proxies import StoreProxy
from .service import MIB, Service, reference_to

BODIES = {1: b"a" * 5 * MIB, 2: b"b" * 5 * MIB, 3: b"tail"}


async def upload_parts(service: Service) -> tuple[UploadSession, list[NamedPart]]:
    """Upload three parts without reporting them, as Uppy does."""
    session = await service.start_session()
    named = [NamedPart(n, await service.put(session, n, body)) for n, body in BODIES.items()]
    return session, named


async def test_named_parts_are_completed(service: Service) -> None:
    session, named = await upload_parts(service)
    completed = await service.complete(reference_to(session), named)
    assert completed.state is SessionState.COMPLETED
    assert service.bucket.objects[session.key].body == b"".join(BODIES.values())


async def test_named_parts_may_have_any_order_and_etag_quotes(service: Service) -> None:
    session, named = await upload_parts(service)
    mixed = [named[2], NamedPart(1, named[0].etag.strip('"')), named[1]]
    await service.complete(reference_to(session), mixed)
    assert service.bucket.objects[session.key].body == b"".join(BODIES.values())


async def test_absent_part_is_named_and_the_session_stays_open(
    service: Service,
) -> None:
    session, named = await upload_parts(service)
    forged = [*named, NamedPart(4, "0" * 32)]
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(reference_to(session), forged)
    assert refusal.value.extensions["missing_parts"] == [4]
    assert refusal.value.extensions["mismatched_parts"] == []
    assert (await service.complete(reference_to(session), named)).result is not None


async def test_part_with_another_etag_is_named_and_nothing_is_completed(service: Service) -> None:
    session, named = await upload_parts(service)
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(
            reference_to(session), [*named[:2], replace(named[2], etag='"' + "0" * 32 + '"')]
        )
    assert refusal.value.extensions["mismatched_parts"] == [3]
    assert refusal.value.extensions["missing_parts"] == []
    assert session.key not in service.bucket.objects


async def test_number_named_twice_must_match_both_times(service: Service) -> None:
    session, named = await upload_parts(service)
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(reference_to(session), [NamedPart(1, "x"), *named])
    assert refusal.value.extensions["mismatched_parts"] == [1]


async def test_complete_that_omits_a_stored_part_is_refused(service: Service) -> None:
    session, named = await upload_parts(service)
    with pytest.raises(PartsUnnamedError) as refusal:
        await service.complete(reference_to(session), named[:2])
    assert refusal.value.extensions["unnamed_parts"] == [3]
    assert session.key not in service.bucket.objects


async def test_same_list_returns_the_same_result_again(service: Service) -> None:
    session, named = await upload_parts(service)
    first = await service.complete(reference_to(session), named)
    assert await service.complete(reference_to(session), named[::-1]) == first


async def test_another_list_is_refused_after_completion(service: Service) -> None:
    session, named = await upload_parts(service)
    await service.complete(reference_to(session), named)
    with pytest.raises(PartsUnnamedError):
        await service.complete(reference_to(session), named[:2])
    with pytest.raises(PartsMissingError):
        await service.complete(reference_to(session), [*named[:2], NamedPart(3, "x")])


async def test_retry_with_the_list_completes_after_a_lost_answer(service: Service) -> None:
    session, named = await upload_parts(service)
    losing = replace(service, store=StoreAnswersLost(service.bucket))
    with pytest.raises(StoreUnavailableError):
        await losing.complete(reference_to(session), named)
    completed = await service.complete(reference_to(session), named)
    assert completed.state is SessionState.COMPLETED


async def test_all_parts_of_a_lost_upload_are_missing(service: Service) -> None:
    session, named = await upload_parts(service)
    await service.bucket.abort_upload(session.key, session.open_store_upload_id)
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(reference_to(session), named)
    assert refusal.value.extensions["missing_parts"] == [1, 2, 3]


async def test_aborted_upload_is_refused_by_its_state_before_its_list(
    service: Service,
) -> None:
    session, named = await upload_parts(service)
    await service.abort(reference_to(session))
    with pytest.raises(TransitionError):
        await service.complete(reference_to(session), named)


async def test_session_of_another_user_is_not_found(service: Service) -> None:
    session, named = await upload_parts(service)
    with pytest.raises(SessionNotFoundError):
        await service.complete(replace(reference_to(session), user_id="eve"), named)


class InterleavedPut(StoreProxy):
    """Receives a PUT of other bytes for part 1 just before one of its calls."""

    def __init__(self, service: Service, session: UploadSession, call: int) -> None:
        super().__init__(service.store)
        self.service, self.session, self.calls_left = service, session, call

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        await self._put()
        return await super().list_parts(key, store_upload_id)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        await self._put()
        return await super().complete_upload(key, store_upload_id, parts)

    async def _put(self) -> None:
        if self.calls_left == 0:
            await self.service.put(self.session, 1, b"z" * 5 * MIB)
        self.calls_left -= 1


@pytest.mark.parametrize("call", range(4))
async def test_bytes_put_during_a_complete_never_reach_the_object_unnamed(
    service: Service, call: int
) -> None:
    session, named = await upload_parts(service)
    interleaved = InterleavedPut(service, session, call)
    try:
        await replace(service, store=interleaved).complete(reference_to(session), named)
    except (PartsMissingError, PartsRefusedError):
        assert interleaved.calls_left < 0
        assert session.key not in service.bucket.objects
        left = await service.reload(session)
        assert (left.state, left.lease) == (SessionState.IN_PROGRESS, None)
    else:
        assert interleaved.calls_left >= 0, "the object contains bytes that were not named"
        assert service.bucket.objects[session.key].body == b"".join(BODIES.values())


async def test_list_other_than_the_completed_one_is_refused(service: Service) -> None:
    session, named = await upload_parts(service)
    losing = replace(service, store=StoreAnswersLost(service.bucket))
    with pytest.raises(StoreUnavailableError):
        await losing.complete(reference_to(session), named)
    with pytest.raises(PartsUnnamedError):
        await service.complete(reference_to(session), named[:2])
    assert (await service.reload(session)).state is SessionState.COMPLETED


async def test_empty_list_for_a_session_without_parts_is_not_found(service: Service) -> None:
    session = await service.start_session()
    with pytest.raises(SessionNotFoundError):
        await service.complete(reference_to(session), [])


async def test_all_named_parts_of_a_session_without_parts_are_missing(service: Service) -> None:
    session = await service.start_session()
    with pytest.raises(PartsMissingError) as refusal:
        await service.complete(reference_to(session), [NamedPart(2, "x"), NamedPart(1, "x")])
    assert refusal.value.extensions["missing_parts"] == [1, 2]
