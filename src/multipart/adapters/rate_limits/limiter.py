"""A rate limiter on a storage of the library `limits`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage

from ...application.ports import RateLimiter
from ...domain.errors import RateLimitedError
from ...domain.rate_limit import RateLimit, RateUsage
from ...domain.rate_window import RateWindow

_NAMESPACE: Final = "multipart-upload"


@dataclass(frozen=True, slots=True)
class _Bucket:
    """The units of one limit that one caller uses."""

    limit: RateLimit
    caller: str
    cost: int

    @property
    def key(self) -> str:
        # A limit that is changed starts to count anew: its amount and seconds are in the key.
        item = RateLimitItemPerSecond(self.limit.amount, self.limit.seconds, _NAMESPACE)
        return item.key_for(self.limit.unit, self.caller)


class SlidingWindowLimiter(RateLimiter):
    """Counts each caller in sliding windows.

    All callers are tested before one is counted, so that a refusal costs none of them anything.
    """

    def __init__(self, storage: MemoryStorage | RedisStorage) -> None:
        self._storage = storage

    async def spend(
        self, costs: Mapping[RateLimit, int], callers: Sequence[str]
    ) -> Sequence[RateUsage]:
        buckets = [
            _Bucket(limit, caller, cost) for limit, cost in costs.items() for caller in callers
        ]
        windows = [await self._read(bucket) for bucket in buckets]
        _require_enough(buckets, windows)
        for bucket in buckets:
            if not await self._count(bucket):
                # Another request has used the last units since they were read.
                _require_enough(buckets, [await self._read(bucket) for bucket in buckets])
                raise RateLimitedError(bucket.limit, 1, [])
        spent = [window.spend(bucket.cost) for bucket, window in zip(buckets, windows, strict=True)]
        return _usages(spent)

    async def _read(self, bucket: _Bucket) -> RateWindow:
        seconds = bucket.limit.seconds
        previous, _, current, expires_in = await self._storage.get_sliding_window(
            bucket.key, seconds
        )
        # A window is kept until it has also been the previous one.
        left = expires_in - seconds if expires_in > seconds else float(seconds)
        return RateWindow(bucket.limit, previous, current, left)

    async def _count(self, bucket: _Bucket) -> bool:
        return await self._storage.acquire_sliding_window_entry(
            bucket.key, bucket.limit.amount, bucket.limit.seconds, bucket.cost
        )


def _require_enough(buckets: Sequence[_Bucket], windows: Sequence[RateWindow]) -> None:
    """Raise RateLimitedError, with the longest wait, if a window has too little left."""
    waits = [window.wait_for(bucket.cost) for bucket, window in zip(buckets, windows, strict=True)]
    longest = max(waits, default=0)
    if not longest:
        return
    limit = buckets[waits.index(longest)].limit
    usages = [
        replace(usage, reset_seconds=longest) if usage.limit == limit else usage
        for usage in _usages(windows)
    ]
    raise RateLimitedError(limit, longest, usages)


def _usages(windows: Sequence[RateWindow]) -> list[RateUsage]:
    """Return the usage of each limit where the least remains."""
    least: dict[RateLimit, RateWindow] = {}
    for window in windows:
        known = least.setdefault(window.limit, window)
        if window.remaining < known.remaining:
            least[window.limit] = window
    return [window.usage() for window in least.values()]
