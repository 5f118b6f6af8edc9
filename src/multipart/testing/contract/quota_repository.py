"""The promises of the quota port.

class TestMyQuotas(QuotaRepositoryContract):
    @pytest_asyncio.fixture
    async def quotas(self) -> AsyncIterator[QuotaRepository]:
        async with open_my_quotas(...) as quotas:
            yield quotas
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from ...application.ports import QuotaRepository
from ...domain.errors import QuotaExceededError
from ...domain.quota import QuotaLimits, QuotaUsage, Reservation, UserQuota
from .patience import repeat_while_unavailable
from .sample_sessions import NOW

DAY = timedelta(days=1)
LIMITS = QuotaLimits(open_uploads=3, open_bytes=100, period_bytes=200, period=DAY)
UNLIMITED = QuotaLimits()
PERIOD = LIMITS.start_of_period(NOW)


def reservation(upload_id: str = "u1", size: int = 40, **changes: object) -> Reservation:
    """Describe a reservation; times have whole milliseconds, which every database keeps."""
    reserved = Reservation(
        upload_id=upload_id, user_id="Zoë $ne.", size=size, period=PERIOD, reserved_at=NOW
    )
    return replace(reserved, **changes)  # type: ignore[arg-type]


@pytest.mark.asyncio
class QuotaRepositoryContract:
    """A subclass provides the fixture `quotas`, open and empty."""

    @pytest.fixture
    def quotas(self) -> QuotaRepository:
        """Provide the repository under test."""
        raise NotImplementedError

    async def test_reservation_is_counted(self, quotas: QuotaRepository) -> None:
        assert await quotas.reserve(reservation(), LIMITS) == reservation()
        assert await quotas.get(reservation().user_id) == UserQuota(
            user_id=reservation().user_id,
            usage=QuotaUsage(open_uploads=1, open_bytes=40, period=PERIOD, period_bytes=40),
            reservations={"u1": reservation()},
        )

    async def test_unknown_user_has_nothing(self, quotas: QuotaRepository) -> None:
        assert await quotas.get("eve") == UserQuota(user_id="eve")
        assert not await quotas.settle("eve", "u1", 0)
        assert await quotas.list_users(10) == []

    async def test_upload_is_counted_once(self, quotas: QuotaRepository) -> None:
        await quotas.reserve(reservation(size=90), LIMITS)
        assert await quotas.reserve(reservation(size=90), LIMITS) == reservation(size=90)
        assert await quotas.reserve(reservation(size=5), LIMITS) == reservation(size=90)
        assert await self._usage(quotas) == (1, 90, 90)

    @pytest.mark.parametrize(
        ("limits", "quota"),
        [
            (replace(UNLIMITED, open_uploads=2), "open_uploads"),
            (replace(UNLIMITED, open_bytes=119), "open_bytes"),
            (replace(UNLIMITED, period_bytes=119), "period_bytes"),
        ],
    )
    async def test_reservation_over_a_limit_changes_nothing(
        self, quotas: QuotaRepository, limits: QuotaLimits, quota: str
    ) -> None:
        await quotas.reserve(reservation("u1"), limits)
        await quotas.reserve(reservation("u2"), limits)
        before = await quotas.get(reservation().user_id)
        with pytest.raises(QuotaExceededError) as refused:
            await quotas.reserve(reservation("u3"), limits)
        assert refused.value.extensions["quota"] == quota
        assert await quotas.get(reservation().user_id) == before
        await quotas.reserve(reservation("u3", user_id="eve"), limits)

    async def test_limits_can_be_reached(self, quotas: QuotaRepository) -> None:
        limits = replace(LIMITS, open_uploads=1, open_bytes=40, period_bytes=40)
        await quotas.reserve(reservation(), limits)
        assert await self._usage(quotas) == (1, 40, 40)

    async def test_settled_reservation_leaves_what_was_stored(
        self, quotas: QuotaRepository
    ) -> None:
        await quotas.reserve(reservation("u1"), LIMITS)
        await quotas.reserve(reservation("u2"), LIMITS)
        assert await quotas.settle(reservation().user_id, "u1", 7)
        assert await self._usage(quotas) == (1, 40, 47)
        assert not await quotas.settle(reservation().user_id, "u1", 7)
        assert await quotas.settle(reservation().user_id, "u2", 0)
        assert await self._usage(quotas) == (0, 0, 7)

    async def test_next_period_begins_with_nothing(self, quotas: QuotaRepository) -> None:
        limits = replace(LIMITS, open_bytes=None)
        await quotas.reserve(reservation("u1", size=150), limits)
        later = reservation("u2", size=160, period=PERIOD + DAY)
        await quotas.reserve(later, limits)
        assert await self._usage(quotas) == (2, 310, 160)
        with pytest.raises(QuotaExceededError):
            await quotas.reserve(reservation("u3", size=41, period=PERIOD + DAY), limits)
        # The first one does not count in this period, whatever it stores.
        await quotas.settle(reservation().user_id, "u1", 1000)
        await quotas.settle(reservation().user_id, "u2", 100)
        assert await self._usage(quotas) == (0, 0, 100)

    async def test_earlier_period_counts_in_the_current_one(self, quotas: QuotaRepository) -> None:
        await quotas.reserve(reservation("u1", period=PERIOD + DAY), LIMITS)
        late = await quotas.reserve(reservation("u2"), LIMITS)
        assert late.period == PERIOD + DAY
        assert await self._usage(quotas) == (2, 80, 80)
        await quotas.settle(late.user_id, "u2", 0)
        assert await self._usage(quotas) == (1, 40, 40)

    async def test_users_with_reservations_are_listed_in_pages(
        self, quotas: QuotaRepository
    ) -> None:
        names = [f"user-{n}" for n in range(5)]
        for name in (*names, "gone"):
            await quotas.reserve(reservation(user_id=name), LIMITS)
        await quotas.settle("gone", "u1", 0)
        found: list[UserQuota] = []
        while page := await quotas.list_users(2, found[-1].user_id if found else None):
            assert len(page) <= 2
            found += page
        assert sorted(user.user_id for user in found) == names
        assert found[0].reservations == {"u1": reservation(user_id=found[0].user_id)}

    @pytest.mark.parametrize(
        "limits",
        [
            replace(UNLIMITED, open_uploads=10),
            replace(UNLIMITED, open_bytes=100),
            replace(UNLIMITED, period_bytes=100),
        ],
        ids=["uploads", "bytes", "period"],
    )
    async def test_100_racing_reservations_never_exceed_the_limit(
        self, quotas: QuotaRepository, limits: QuotaLimits
    ) -> None:
        racers = (partial(quotas.reserve, reservation(f"u{n}", 10), limits) for n in range(100))
        answers = await asyncio.gather(
            *map(repeat_while_unavailable, racers), return_exceptions=True
        )
        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        assert {type(answer) for answer in refused} == {QuotaExceededError}
        assert len(refused) == 90
        assert await self._usage(quotas) == (10, 100, 100)

    async def test_racing_repeats_are_counted_once(self, quotas: QuotaRepository) -> None:
        for _ in range(3):
            await asyncio.gather(*(quotas.reserve(reservation(), LIMITS) for _ in range(10)))
            assert await self._usage(quotas) == (1, 40, 40)
            settled = await asyncio.gather(
                *(quotas.settle(reservation().user_id, "u1", 0) for _ in range(10))
            )
            assert sum(settled) == 1
            assert await self._usage(quotas) == (0, 0, 0)

    async def _usage(self, quotas: QuotaRepository) -> tuple[int, int, int]:
        usage = (await quotas.get(reservation().user_id)).usage
        return usage.open_uploads, usage.open_bytes, usage.period_bytes
