"""The limiters in memory and in Redis keep the port's promises."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Final

import pytest

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
        while not await limiter.spend({STARTS: 1}, ["user:eve"]):
            time.sleep(PAUSE_SECONDS)  # noqa: ASYNC251  # nothing else runs in this loop

        levels = [record.levelname for record in caplog.records if "rate_limits" in record.name]
        assert levels == ["WARNING", "INFO"]
