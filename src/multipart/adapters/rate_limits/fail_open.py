"""Requests pass while the counts cannot be reached."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Final

from limits.errors import StorageError

from ...application.ports import RateLimiter
from ...domain.errors import RateLimitedError
from ...domain.rate_limit import RateLimit, RateUsage

RETRY_SECONDS: Final = 0.5
"""Between two attempts to reach the counts during an outage."""
_logger = logging.getLogger(__name__)


class FailOpenLimiter(RateLimiter):
    """Lets every request pass during an outage of the counts, and logs its begin and its end."""

    def __init__(self, limiter: RateLimiter, timeout: float) -> None:
        self._limiter = limiter
        self._timeout = timeout
        self._is_out = False
        self._asks_again_at = 0.0

    async def spend(
        self, costs: Mapping[RateLimit, int], callers: Sequence[str]
    ) -> Sequence[RateUsage]:
        if self._is_out and not self._may_ask_again():
            return []
        try:
            async with asyncio.timeout(self._timeout):
                usages = await self._limiter.spend(costs, callers)
        except (StorageError, OSError) as exc:  # TimeoutError is an OSError
            self._note_failure(exc.storage_error if isinstance(exc, StorageError) else exc)
            return []
        except RateLimitedError:
            self._note_answer()
            raise
        self._note_answer()
        return usages

    def _may_ask_again(self) -> bool:
        """Let one request in a while find out whether the outage is over."""
        now = time.monotonic()
        if now < self._asks_again_at:
            return False
        self._asks_again_at = now + RETRY_SECONDS
        return True

    def _note_failure(self, exc: Exception) -> None:
        if not self._is_out:
            self._is_out = True
            self._asks_again_at = time.monotonic() + RETRY_SECONDS
            _logger.warning(
                "No rate limits: RATE_LIMIT_STORAGE_URI does not answer (%s). "
                "Requests pass uncounted.",
                str(exc) or type(exc).__name__,
            )

    def _note_answer(self) -> None:
        if self._is_out:
            self._is_out = False
            _logger.info("Rate limits hold again: RATE_LIMIT_STORAGE_URI answers.")
