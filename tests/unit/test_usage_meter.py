"""What the use cases count before they start or sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from multipart_upload.application.ports import SessionQuery, UsageMeter
from multipart_upload.domain.errors import InvalidFieldError, RateLimitedError, UploadError
from multipart_upload.domain.rate_limit import RateLimit, Unit

from .service import MIB, Service, new_upload, reference_to


@dataclass
class RecordingMeter(UsageMeter):
    """Allows everything, or nothing, and records what was counted."""

    refuses: bool = False
    counted: list[Mapping[Unit, int]] = field(default_factory=list)

    def limit_of(self, unit: Unit) -> int | None:
        return 5 if unit is Unit.URLS else None

    async def count(self, costs: Mapping[Unit, int]) -> None:
        if self.refuses:
            raise RateLimitedError(RateLimit(Unit.URLS, 5, 60), 1, [])
        self.counted.append(costs)


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


async def test_each_use_counts_what_it_makes(service: Service, meter: RecordingMeter) -> None:
    session = await replace(service.start, meter=meter)(new_upload())
    sign_parts = replace(service.sign_parts, meter=meter)
    await sign_parts.sign_one(reference_to(session), 1)
    await sign_parts.sign_many(reference_to(session), [range(1, 4), range(2, 6)])
    await replace(service.sign_single, meter=meter)(new_upload())

    assert meter.counted == [
        {Unit.STARTS: 1},
        {Unit.URLS: 1},
        {Unit.URLS: 5},
        {Unit.STARTS: 1, Unit.URLS: 1},
    ]


async def test_all_parts_of_a_plan_are_counted(service: Service, meter: RecordingMeter) -> None:
    session = await service.start_session(17 * MIB)
    await replace(service.sign_parts, meter=meter).sign_many(reference_to(session), None)

    assert meter.counted == [{Unit.URLS: 3}]


async def test_failures_count_nothing(service: Service, meter: RecordingMeter) -> None:
    session = await service.start_session(17 * MIB)
    sign_parts = replace(service.sign_parts, meter=meter)
    unknown = replace(reference_to(session), key="another")
    calls = [
        replace(service.start, meter=meter)(new_upload(size=-1)),
        sign_parts.sign_one(unknown, 1),
        sign_parts.sign_one(reference_to(session), 4),
        sign_parts.sign_many(unknown, [range(1, 2)]),
        sign_parts.sign_many(reference_to(session), [range(1, 5)]),
    ]
    for call in calls:
        with pytest.raises(UploadError):
            await call

    assert meter.counted == []


async def test_more_parts_than_the_limit_are_a_wrong_field(
    service: Service, meter: RecordingMeter
) -> None:
    session = await service.start_session()
    sign_parts = replace(service.sign_parts, meter=meter)
    with pytest.raises(InvalidFieldError, match=r"^part_numbers: must be 5 parts at most"):
        await sign_parts.sign_many(reference_to(session), [range(1, 7)])

    assert meter.counted == []


async def test_refused_start_stores_nothing(service: Service) -> None:
    start = replace(service.start, meter=RecordingMeter(refuses=True))
    with pytest.raises(RateLimitedError):
        await start(new_upload())

    assert (await service.sessions.find(SessionQuery(user_id="ada"))).sessions == []
