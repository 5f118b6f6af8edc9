"""The size of a file holds: at its start, for every URL, and at completion."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from multipart_upload.domain.errors import (
    FileTooLargeError,
    InvalidFieldError,
    StoreUnavailableError,
)
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.testing.memory.object_store import CAPABILITIES

from .faults import UnavailableStore
from .service import MIB, Service, new_upload, reference_to

LIMIT: Final = 11 * MIB


@pytest.fixture
def service(service: Service) -> Service:
    return replace(service, policy=replace(service.policy, max_size=LIMIT))


async def upload_parts(service: Service, session: UploadSession, last: int) -> None:
    for number, size in ((1, 5 * MIB), (2, 5 * MIB), (3, last)):
        await service.upload(session, number, bytes(size))


async def test_parts_up_to_the_limit_are_completed(service: Service) -> None:
    session = await service.start_session()
    await upload_parts(service, session, MIB)
    completed = await service.complete(reference_to(session))
    assert completed.result is not None
    assert completed.result.size == LIMIT


async def test_parts_over_the_limit_are_refused_and_discarded(service: Service) -> None:
    session = await service.start_session()
    await upload_parts(service, session, MIB + 1)
    with pytest.raises(FileTooLargeError) as refused:
        await service.complete(reference_to(session))
    assert refused.value.extensions == {"max_size": LIMIT}
    assert (await service.reload(session)).state is SessionState.ABORTED
    assert await service.bucket.list_uploads(session.key) == []
    assert await service.bucket.head_object(session.key) is None
    with pytest.raises(FileTooLargeError) as repeated:
        await service.complete(reference_to(session))
    assert str(repeated.value) == str(refused.value)


async def test_limit_of_the_store_holds_as_well(service: Service) -> None:
    service.bucket.capabilities = replace(CAPABILITIES, max_object_size=10 * MIB)
    session = await service.start_session()
    await upload_parts(service, session, 1)
    with pytest.raises(FileTooLargeError):
        await service.complete(reference_to(session))


async def test_upload_that_could_not_be_discarded_is_refused_again(service: Service) -> None:
    session = await service.start_session()
    await upload_parts(service, session, MIB + 1)
    broken = replace(service, store=UnavailableStore(service.store))
    with pytest.raises(StoreUnavailableError):
        await broken.complete(reference_to(session))
    with pytest.raises(FileTooLargeError):
        await service.complete(reference_to(session))
    assert await service.bucket.head_object(session.key) is None


@pytest.mark.parametrize(("sent", "is_allowed"), [(3, True), (5, True), (6, False)])
async def test_declared_size_of_a_file_that_the_client_cuts_holds(
    service: Service,
    sent: int,
    is_allowed: bool,  # noqa: FBT001
) -> None:
    session = await service.start(replace(new_upload(), max_size=5))
    assert (session.plan, session.max_size) == (None, 5)
    await service.upload(session, 1, bytes(sent))
    if is_allowed:
        assert (await service.complete(reference_to(session))).result is not None
        return
    with pytest.raises(FileTooLargeError) as refused:
        await service.complete(reference_to(session))
    assert refused.value.extensions == {"max_size": 5}


async def test_declared_size_over_the_limit_is_refused_at_the_start(service: Service) -> None:
    with pytest.raises(FileTooLargeError):
        await service.start(replace(new_upload(), max_size=LIMIT + 1))


async def test_size_can_be_required(service: Service) -> None:
    strict = replace(service, policy=replace(service.policy, require_size=True))
    with pytest.raises(InvalidFieldError, match="size: is required"):
        await strict.start(new_upload())
    assert (await strict.start(new_upload(size=0))).plan is not None
    assert (await strict.start(replace(new_upload(), max_size=5))).max_size == 5
