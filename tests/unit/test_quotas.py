"""Quotas: what is reserved, refused and settled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from multipart_upload.domain.errors import (
    FileTooLargeError,
    LeaseHeldError,
    QuotaExceededError,
    RepositoryUnavailableError,
    SingleUploadsUnsupportedError,
)
from multipart_upload.domain.quota import QuotaLimits, QuotaUsage
from multipart_upload.domain.session import UploadSession
from multipart_upload.testing.memory import MemoryQuotaRepository

from .service import BODY, T0, Service, SettableClock, new_upload, reference_to

SIZE: Final = len(BODY)
LIMITS: Final = QuotaLimits(
    open_uploads=3,
    open_bytes=3 * SIZE,
    period_bytes=4 * SIZE,
    period=timedelta(days=1),
    unsized_bytes=2 * SIZE,
)


def with_quotas(service: Service, **limits: object) -> Service:
    """Limit all users; sizes are in bytes."""
    chosen = replace(LIMITS, **limits)  # type: ignore[arg-type]
    policy = replace(service.policy, quotas=chosen)
    return replace(service, policy=policy, quotas=MemoryQuotaRepository())


async def usage_of(service: Service) -> tuple[int, int, int]:
    assert service.quotas is not None
    usage = (await service.quotas.get("ada")).usage
    return usage.open_uploads, usage.open_bytes, usage.period_bytes


async def start_and_end(service: Service, *, size: int | None = SIZE) -> UploadSession:
    session = await service.start_session(size)
    await service.upload(session)
    await service.complete(reference_to(session))
    return session


async def test_completed_upload_counts_in_its_period_only(service: Service) -> None:
    service = with_quotas(service)
    await start_and_end(service)
    assert await usage_of(service) == (0, 0, SIZE)


async def test_aborted_upload_counts_no_more(service: Service) -> None:
    service = with_quotas(service)
    session = await service.start_session(SIZE)
    assert await usage_of(service) == (1, SIZE, SIZE)
    await service.abort(reference_to(session))
    assert await usage_of(service) == (0, 0, 0)


async def test_expired_upload_counts_no_more(service: Service, clock: SettableClock) -> None:
    service = with_quotas(service)
    await service.start_session(SIZE)
    clock.advance(days=60)
    await service.sweep()
    assert await usage_of(service) == (0, 0, 0)


async def test_unsized_upload_counts_and_may_have_a_set_size(service: Service) -> None:
    service = with_quotas(service)
    session = await service.start_session()
    assert await usage_of(service) == (1, 2 * SIZE, 2 * SIZE)
    await service.upload(session, body=BODY)
    await service.complete(reference_to(session))
    assert await usage_of(service) == (0, 0, SIZE)

    larger = await service.start_session()
    await service.upload(larger, body=bytes(2 * SIZE + 1))
    with pytest.raises(FileTooLargeError):
        await service.complete(reference_to(larger))
    assert await usage_of(service) == (0, 0, SIZE)


async def test_file_that_the_client_cuts_itself_counts_its_declared_size(service: Service) -> None:
    service = with_quotas(service)
    await service.start(replace(new_upload(), max_size=3 * SIZE))
    assert await usage_of(service) == (1, 3 * SIZE, 3 * SIZE)


async def test_size_is_not_limited_without_a_quota_of_bytes(service: Service) -> None:
    service = with_quotas(service, open_bytes=None, period_bytes=None)
    session = await service.start_session()
    assert session.max_size is None


@pytest.mark.parametrize(
    ("limits", "quota"),
    [
        ({"open_uploads": 1}, "open_uploads"),
        ({"open_bytes": SIZE}, "open_bytes"),
        ({"period_bytes": SIZE}, "period_bytes"),
    ],
)
async def test_upload_that_does_not_fit_is_refused_and_opens_nothing(
    service: Service, limits: dict[str, int], quota: str
) -> None:
    service = with_quotas(service, **limits)
    first = await service.start_session(SIZE)

    with pytest.raises(QuotaExceededError) as refused:
        await service.start_session(SIZE)
    await service.start_session(SIZE, user_id="bob")

    assert refused.value.extensions["quota"] == quota
    assert ("resets_at" in refused.value.extensions) == (quota == "period_bytes")
    uploads = (await service.bucket.scan_uploads("")).uploads
    assert len(uploads) == 2
    await service.abort(reference_to(first))
    await service.start_session(SIZE)


async def test_next_period_begins_with_nothing(service: Service, clock: SettableClock) -> None:
    service = with_quotas(service, period_bytes=SIZE)
    await start_and_end(service)
    clock.advance(hours=23)
    with pytest.raises(QuotaExceededError) as refused:
        await service.start_session(SIZE)
    assert refused.value.extensions["resets_at"] == T0 + timedelta(days=1)
    clock.advance(hours=1)
    await start_and_end(service)


async def test_repeated_start_counts_once_and_is_answered_at_the_limit(service: Service) -> None:
    service = with_quotas(service, open_uploads=1)
    keyed = replace(new_upload(size=SIZE), idempotency_key="k")
    first = await service.start(keyed)
    assert (await service.start(keyed)).id == first.id
    await service.abort(reference_to(first))
    assert (await service.start(keyed)).id == first.id
    assert await usage_of(service) == (0, 0, 0)


async def test_racing_repeats_of_a_start_count_once(service: Service) -> None:
    service = with_quotas(service, open_uploads=1)
    keyed = replace(new_upload(size=SIZE), idempotency_key="k")
    found = await asyncio.gather(*(service.start(keyed) for _ in range(5)), return_exceptions=True)
    assert {type(answer) for answer in found} == {UploadSession, LeaseHeldError}
    assert await usage_of(service) == (1, SIZE, SIZE)


async def test_single_uploads_cannot_be_counted(service: Service) -> None:
    with pytest.raises(SingleUploadsUnsupportedError, match="shouldUseMultipart"):
        await with_quotas(service).sign_single(new_upload())


class _UnavailableQuotas(MemoryQuotaRepository):
    async def settle(self, *_: object) -> bool:
        raise RepositoryUnavailableError


async def test_upload_ends_although_the_quota_cannot_be_settled(
    service: Service, clock: SettableClock
) -> None:
    service = with_quotas(service)
    assert service.quotas is not None
    failing = replace(service, quotas=_UnavailableQuotas())
    assert failing.quotas is not None
    session = await failing.start_session(SIZE)
    await failing.upload(session)
    await failing.complete(reference_to(session))
    await service.quotas.reserve(LIMITS.reservation_for(session, T0), LIMITS)
    clock.advance(hours=1)

    assert (await service.sweep(dry_run=True)).settled == 0
    report = await service.sweep()

    assert report.settled == 1
    assert await usage_of(service) == (0, 0, SIZE)


async def test_recent_reservations_are_not_stale(service: Service) -> None:
    service = with_quotas(service)
    session = await service.start_session(SIZE)
    assert service.quotas is not None
    other = replace(LIMITS.reservation_for(session, T0), upload_id="about-to-be-stored")
    await service.quotas.reserve(other, LIMITS)
    assert (await service.sweep()).settled == 0


async def test_audit_finds_and_repairs_differences(service: Service, clock: SettableClock) -> None:
    uncounted = await service.start_session(SIZE)
    service = with_quotas(service)
    assert service.quotas is not None
    stale = replace(LIMITS.reservation_for(uncounted, T0), upload_id="gone")
    await service.quotas.reserve(stale, LIMITS)
    counted = await service.start_session(SIZE)
    clock.advance(hours=1)

    found = await service.audit_quotas(repair=True)

    assert [entry.reservation for entry in found.stale] == [stale]
    assert [reservation.upload_id for reservation in found.missing] == [uncounted.id]
    assert (await service.audit_quotas(repair=False)).is_clean
    assert {*(await service.quotas.get("ada")).reservations} == {uncounted.id, counted.id}
    assert await usage_of(service) == (2, 2 * SIZE, 2 * SIZE)


def test_periods_follow_each_other_from_1970() -> None:
    week = replace(LIMITS, period=timedelta(weeks=1))
    start = week.start_of_period(T0)
    assert start.weekday() == 3  # 1970-01-01 was a Thursday
    assert week.start_of_period(start + timedelta(weeks=1) - timedelta(milliseconds=1)) == start
    assert QuotaUsage(period_bytes=5, period=start).in_period(start).period_bytes == 5
