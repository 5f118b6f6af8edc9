"""A store may have other limits than S3: fewer parts, smaller parts, or parts of equal size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multipart_upload.application.record_parts import PartReport
from multipart_upload.domain.errors import (
    FileTooLargeError,
    InvalidFieldError,
    PartsMissingError,
    SingleUploadsUnsupportedError,
)
from multipart_upload.testing.memory.object_store import CAPABILITIES

from .service import MIB, Service, new_upload, reference_to


@pytest.fixture
def service(service: Service) -> Service:
    service.bucket.capabilities = replace(CAPABILITIES, max_part_count=1000)
    return service


async def test_plan_keeps_to_the_part_limit_of_the_store(service: Service) -> None:
    session = await service.start_session(size=9216 * MIB)
    assert session.plan is not None
    assert (session.plan.part_size, session.plan.part_count) == (10 * MIB, 922)


async def test_part_limit_of_the_store_holds_without_a_plan(service: Service) -> None:
    reference = reference_to(await service.start_session())
    await service.sign(reference, 1000)
    await service.record(reference, 1000, "e1000")
    for call, field in (
        (service.sign(reference, 1001), "part_number"),
        (service.sign_many(reference, [range(1, 2), range(1001, 1002)]), "part_numbers[1]"),
        (service.record(reference, 1001, "e1001"), "part_number"),
        (service.record_many(reference, [PartReport(1001, "e1001")]), "parts[0].part_number"),
    ):
        with pytest.raises(InvalidFieldError) as refused:
            await call
        assert str(refused.value).startswith(f"{field}: must be 1 to 1000")


async def test_batch_signs_at_most_the_part_limit_of_the_store(
    service: Service,
) -> None:
    reference = reference_to(await service.start_session())
    assert len((await service.sign_many(reference, [range(1, 1001)])).urls) == 1000
    with pytest.raises(InvalidFieldError, match="1 to 1000 parts"):
        await service.sign_many(reference, [range(1, 1001), range(1, 2)])


async def test_part_size_limit_of_the_store_holds_for_plans_and_parts(service: Service) -> None:
    service.bucket.capabilities = replace(
        CAPABILITIES, max_part_size=100 * MIB, max_object_size=2000 * MIB
    )
    planned = await service.start_session(size=2000 * MIB)
    assert planned.plan is not None
    assert planned.plan.part_size <= 100 * MIB
    with pytest.raises(FileTooLargeError) as too_large:
        await service.start_session(size=2000 * MIB + 1)
    assert too_large.value.extensions == {"max_size": 2000 * MIB}
    reference = reference_to(await service.start_session())
    for call in (
        service.sign(reference, 1, 100 * MIB + 1),
        service.record(reference, 1, "e1", 100 * MIB + 1),
    ):
        with pytest.raises(InvalidFieldError, match=f"must be 0 to {100 * MIB} bytes"):
            await call


async def test_unequal_parts_are_named_at_completion_and_can_be_sent_again(
    service: Service,
) -> None:
    service.bucket.capabilities = replace(CAPABILITIES, equal_part_sizes=True)
    session = await service.start_session()
    await service.upload(session, 1, bytes(6 * MIB))
    await service.upload(session, 2, bytes(5 * MIB))
    await service.upload(session, 3, b"last")
    with pytest.raises(PartsMissingError) as refused:
        await service.complete(reference_to(session))
    assert refused.value.extensions["mismatched_parts"] == [2]
    await service.upload(session, 2, bytes(6 * MIB))
    done = await service.complete(reference_to(session))
    assert done.result is not None
    assert done.result.size == 12 * MIB + len(b"last")


async def test_reported_etags_are_dropped_where_the_store_answers_none(service: Service) -> None:
    service.bucket.capabilities = replace(CAPABILITIES, answers_etag=False)
    session = await service.start_session()
    reference = reference_to(session)
    await service.record(reference, 1, "none")
    await service.record_many(reference, [PartReport(2, "anything", 5)])
    parts = await service.sessions.list_parts(session.id)
    assert [(part.number, part.etag, part.size) for part in parts] == [(1, "", None), (2, "", 5)]


async def test_store_without_forms_signs_no_single_upload(service: Service) -> None:
    service.bucket.capabilities = replace(CAPABILITIES, max_single_size=None)
    with pytest.raises(SingleUploadsUnsupportedError):
        await service.sign_single(new_upload())
