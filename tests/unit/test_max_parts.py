"""A store may allow fewer parts than S3, as Swift does with 1,000."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multipart_upload.application.record_parts import PartReport
from multipart_upload.domain.errors import InvalidFieldError

from .service import MIB, Service, reference_to


@pytest.fixture
def service(service: Service) -> Service:
    return replace(service, policy=replace(service.policy, max_parts=1000))


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
