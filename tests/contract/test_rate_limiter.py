"""The limiters in memory and in Redis keep the port's promises."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

import pytest
from limits.aio.storage import MemoryStorage

from multipart_upload.adapters.rate_limits import memory
from multipart_upload.adapters.rate_limits.memory import open_memory_limiter
from multipart_upload.adapters.rate_limits.redis import open_redis_limiter
from multipart_upload.application.ports import RateLimiter
from multipart_upload.domain.errors import RateLimitedError
from multipart_upload.domain.rate_limit import RateLimit, RateUsage, Unit
from tests.patience import PAUSE_SECONDS
from tests.servers.redis import RedisServer

# No window of ten years ends during a test.
TEN_YEARS: Final = 3650 * 86_400
STARTS: Final = RateLimit(Unit.STARTS, 3, TEN_YEARS)
URLS: Final = RateLimit(Unit.URLS, 10_000, TEN_YEARS)


async def is_refused(limiter: RateLimiter, costs: dict[RateLimit, int], *callers: str) -> bool:
    try:
        await limiter.spend(costs, callers)
    except RateLimitedError:
        return True
    return False


async def spend_until_counted(
    limiter: RateLimiter, costs: dict[RateLimit, int], caller: str
) -> None:
    """Spend, and repeat it if Redis did not answer in time."""
    while not await limiter.spend(costs, [caller]):  # noqa: ASYNC110  # there is no event
        await asyncio.sleep(PAUSE_SECONDS)


async def wait_until(is_true: Callable[[], bool]) -> None:
    while not is_true():  # noqa: ASYNC110  # there is no event
        await asyncio.sleep(PAUSE_SECONDS)


def remaining(usages: Sequence[RateUsage]) -> list[int]:
    return [usage.remaining for usage in usages]


class RateLimiterContract:
    """A subclass provides two limiters that share their counts."""

    @pytest.fixture
    def limiters(self) -> tuple[RateLimiter, RateLimiter]:
        raise NotImplementedError

    @pytest.fixture
    def limiter(self, limiters: tuple[RateLimiter, RateLimiter]) -> RateLimiter:
        return limiters[0]

    async def test_caller_gets_exactly_the_limit(self, limiter: RateLimiter) -> None:
        for left in (2, 1, 0):
            assert remaining(await limiter.spend({STARTS: 1}, ["user:ada"])) == [left]
        assert await is_refused(limiter, {STARTS: 1}, "user:ada")
        assert not await is_refused(limiter, {STARTS: 1}, "user:eve")

    async def test_cost_is_counted_as_a_whole(self, limiter: RateLimiter) -> None:
        assert remaining(await limiter.spend({URLS: 9_990}, ["user:ada"])) == [10]
        assert await is_refused(limiter, {URLS: 11}, "user:ada")
        assert remaining(await limiter.spend({URLS: 10}, ["user:ada"])) == [0]

    async def test_limits_are_counted_apart(self, limiter: RateLimiter) -> None:
        await limiter.spend({STARTS: 3}, ["user:ada"])
        assert remaining(await limiter.spend({URLS: 1}, ["user:ada"])) == [9_999]

    async def test_refusal_costs_no_caller_and_no_limit_anything(
        self, limiter: RateLimiter
    ) -> None:
        await limiter.spend({STARTS: 3}, ["address:1"])
        assert await is_refused(limiter, {URLS: 5, STARTS: 1}, "user:ada", "address:1")
        assert remaining(await limiter.spend({STARTS: 3, URLS: 10_000}, ["user:ada"])) == [0, 0]

    async def test_usage_is_that_of_the_caller_with_the_least(self, limiter: RateLimiter) -> None:
        await limiter.spend({STARTS: 1}, ["address:1"])
        (usage,) = await limiter.spend({STARTS: 1}, ["user:ada", "address:1"])
        assert (usage.limit, usage.remaining) == (STARTS, 1)

    async def test_refusal_tells_when_there_is_enough_again(self, limiter: RateLimiter) -> None:
        await limiter.spend({STARTS: 3}, ["user:ada"])
        with pytest.raises(RateLimitedError) as refused:
            await limiter.spend({STARTS: 3, URLS: 1}, ["user:ada"])
        starts, urls = refused.value.usages
        # The current window must end, and two thirds of the next one.
        assert TEN_YEARS / 2 < refused.value.retry_after <= 2 * TEN_YEARS
        assert (starts.remaining, starts.reset_seconds) == (0, refused.value.retry_after)
        assert (urls.remaining, urls.reset_seconds) == (10_000, 0)

    async def test_any_text_is_a_caller_of_its_own(self, limiter: RateLimiter) -> None:
        names = ["user:a/b", "user:a", "user:{a}", "user:a}/-1", "user:Zoë *", "user:a/3/60/second"]
        for name in names:
            await limiter.spend({STARTS: 3}, [name])
        assert all([await is_refused(limiter, {STARTS: 1}, name) for name in names])

    async def test_racing_callers_never_exceed_the_limit(
        self, limiters: tuple[RateLimiter, RateLimiter]
    ) -> None:
        calls = [
            is_refused(limiters[number % 2], {STARTS: 1}, "user:ada", f"address:{number}")
            for number in range(40)
        ]
        assert (await asyncio.gather(*calls)).count(False) == 3

    async def test_racing_batches_never_exceed_the_limit(
        self, limiters: tuple[RateLimiter, RateLimiter]
    ) -> None:
        calls = [is_refused(limiters[n % 2], {URLS: 3_000}, "user:ada") for n in range(20)]
        assert (await asyncio.gather(*calls)).count(False) == 3


class TestMemoryLimiter(RateLimiterContract):
    @pytest.fixture
    async def limiters(self) -> AsyncIterator[tuple[RateLimiter, RateLimiter]]:
        async with open_memory_limiter() as limiter:
            yield limiter, limiter

    async def test_counting_starts_no_task(self, limiter: RateLimiter) -> None:
        # limits itself would look through all counts in a task at every hit.
        before = asyncio.all_tasks()
        for number in range(10):
            await limiter.spend({STARTS: 1}, [f"user:{number}"])
            assert asyncio.all_tasks() == before

    async def test_expired_counts_are_removed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        storage = MemoryStorage()
        monkeypatch.setattr(memory, "MemoryStorage", lambda: storage)
        monkeypatch.setattr(memory, "_PURGE_SECONDS", PAUSE_SECONDS)
        async with open_memory_limiter() as limiter:
            await limiter.spend({RateLimit(Unit.URLS, 5, 1): 1}, ["user:ada", "user:eve"])
            await limiter.spend({URLS: 1}, ["user:ada"])
            await wait_until(lambda: len(storage.storage) == 1)


@pytest.mark.integration
class TestRedisLimiter(RateLimiterContract):
    @pytest.fixture(params=["redis", "valkey"])
    async def limiters(
        self, request: pytest.FixtureRequest, redis_server: RedisServer
    ) -> AsyncIterator[tuple[RateLimiter, RateLimiter]]:
        uri = redis_server.uri.replace("redis", request.param, 1)
        async with AsyncExitStack() as stack:
            yield (
                await stack.enter_async_context(open_redis_limiter(uri)),
                await stack.enter_async_context(open_redis_limiter(uri)),
            )

    @pytest.mark.deadlines
    async def test_callers_pass_if_redis_hangs(
        self, limiters: tuple[RateLimiter, RateLimiter], redis_server: RedisServer
    ) -> None:
        limiter = limiters[0]
        await spend_until_counted(limiter, {STARTS: 3}, "user:ada")
        redis_server.pause()
        assert await limiter.spend({STARTS: 1}, ["user:ada"]) == []

    async def test_callers_pass_during_an_outage_which_is_logged_once(
        self,
        limiters: tuple[RateLimiter, RateLimiter],
        redis_server: RedisServer,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        limiter = limiters[0]
        await limiter.spend({STARTS: 3}, ["user:ada"])

        redis_server.kill()
        for _ in range(20):
            assert await limiter.spend({STARTS: 1}, ["user:ada"]) == []
        redis_server.start()
        await spend_until_counted(limiter, {STARTS: 1}, "user:eve")

        levels = [record.levelname for record in caplog.records if "rate_limits" in record.name]
        assert levels == ["WARNING", "INFO"]
