"""What the service does beside answering: sweep, and look once at the bucket's rules."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from ..application.check_lifecycle import CheckLifecycle
from ..application.sweep.sweep_uploads import SweepUploads
from ..application.task_cancellation import stopped
from ..container import UseCases
from ..domain.errors import UploadError
from .sweep_summary import summary

_logger = logging.getLogger(__name__)
# Replicas that were started together must not sweep together.
_JITTER: Final = (0.5, 1.5)


@asynccontextmanager
async def background_tasks(cases: UseCases, interval: timedelta) -> AsyncIterator[None]:
    """Keep house in the background; without an interval nothing is swept."""
    chores = [asyncio.create_task(warn_about_lifecycle(cases.check_lifecycle))]
    if interval:
        chores.append(asyncio.create_task(sweep_periodically(cases.sweep_uploads, interval)))
    try:
        yield
    finally:
        await stopped(chores)


async def warn_about_lifecycle(check_lifecycle: CheckLifecycle) -> None:
    """Log what is wrong with the bucket's rule for open uploads."""
    try:
        warning = await check_lifecycle()
    except UploadError:
        _logger.info("The bucket does not tell its lifecycle rules.")
    else:
        if warning is not None:
            _logger.warning("%s", warning)


async def sweep_periodically(sweep_uploads: SweepUploads, interval: timedelta) -> None:
    """Sweep for ever, at about this interval; whatever goes wrong, the next pass is made."""
    scan_after: str | None = None
    while True:
        await asyncio.sleep(interval.total_seconds() * random.uniform(*_JITTER))  # noqa: S311
        try:
            report = await sweep_uploads(scan_after=scan_after)
        except UploadError as exc:
            _logger.warning("The sweep ended early: %s", exc)
        except Exception:
            _logger.exception("The sweep failed")
        else:
            scan_after = report.scan.next_after
            if report.has_found:
                _logger.info("%s", summary(report))
