"""Collect and deliver events, again and again."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from typing import Final

from ..application.collect_events import CollectEvents
from ..application.deliver_events import DeliverEvents
from ..domain.errors import UploadError
from ..domain.webhook import Webhook

INTERVAL_SECONDS: Final = 1.0
_PURGE_SECONDS: Final = 600.0
# Replicas that start together must not work together.
_JITTER: Final = (0.5, 1.5)
_logger = logging.getLogger(__name__)


async def handle_events(
    collect: CollectEvents, deliver: DeliverEvents | None, webhooks: Sequence[Webhook]
) -> None:
    """Collect events and send them to every webhook, until cancelled."""
    loops = [collect_periodically(collect)]
    if deliver is not None:
        loops += [deliver_periodically(deliver, webhook) for webhook in webhooks]
    async with asyncio.TaskGroup() as tasks:
        for loop in loops:
            tasks.create_task(loop)


async def collect_periodically(collect: CollectEvents) -> None:
    """Collect events about once a second, and remove old ones now and then."""
    purged_at = time.monotonic()
    while True:
        try:
            await collect()
            if time.monotonic() > purged_at + _PURGE_SECONDS:
                purged_at = time.monotonic()
                await collect.purge()
        except UploadError:
            # Requests log the outage.
            _logger.debug("Events were not collected.")
        except Exception:
            _logger.exception("Collecting events failed")
        await _pause()


async def deliver_periodically(deliver: DeliverEvents, webhook: Webhook) -> None:
    """Send what is due to a webhook, about once a second."""
    while True:
        try:
            while await deliver(webhook):
                pass
        except UploadError:
            _logger.debug("Events were not delivered.")
        except Exception:
            _logger.exception("Delivering events failed")
        await _pause()


async def _pause() -> None:
    await asyncio.sleep(INTERVAL_SECONDS * random.uniform(*_JITTER))  # noqa: S311
