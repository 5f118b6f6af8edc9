"""Background tasks of the service: the sweep, events, and one check of the bucket's rules."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from ..application.check_lifecycle import CheckLifecycle, LifecycleProblem
from ..application.collect_events import CollectEvents
from ..application.deliver_events import DeliverEvents
from ..application.sweep.report import SweepPosition
from ..application.sweep.sweep_uploads import BEGINNING, SweepUploads
from ..application.task_cancellation import cancel_tasks
from ..container import UseCases
from ..domain.errors import UploadError
from ..domain.webhook import Webhook
from .event_loop import handle_events
from .sweep_summary import summarize

_logger = logging.getLogger(__name__)
# Replicas that start together must not sweep together.
_JITTER: Final = (0.5, 1.5)


@asynccontextmanager
async def background_tasks(
    cases: UseCases, interval: timedelta, webhooks: Sequence[Webhook]
) -> AsyncIterator[None]:
    """Run the background tasks; an interval of 0 disables the sweep."""
    tasks = [asyncio.create_task(warn_about_lifecycle(cases.get(CheckLifecycle)))]
    if interval:
        tasks.append(asyncio.create_task(sweep_periodically(cases.get(SweepUploads), interval)))
    if (collect := cases.find(CollectEvents)) is not None:
        deliver = cases.find(DeliverEvents)
        tasks.append(asyncio.create_task(handle_events(collect, deliver, webhooks)))
    try:
        yield
    finally:
        await cancel_tasks(tasks)


async def warn_about_lifecycle(check_lifecycle: CheckLifecycle) -> None:
    """Log a warning unless a lifecycle rule of the bucket aborts forgotten uploads in time."""
    try:
        problem = await check_lifecycle()
    except UploadError:
        _logger.info("The lifecycle rules of the bucket cannot be read.")
    else:
        if problem is not None:
            _logger.warning("%s", describe_lifecycle(problem))


def describe_lifecycle(problem: LifecycleProblem) -> str:
    """Describe the problem with the bucket's rule in one sentence."""
    if problem.abort_after is None:
        return (
            "The bucket has no lifecycle rule with AbortIncompleteMultipartUpload: parts that the "
            "sweep cannot reach stay stored, and are paid for."
        )
    return (
        f"The bucket's lifecycle rule aborts uploads after {problem.abort_after.days} days, sooner "
        f"than UPLOAD_EXPIRY_SECONDS ({problem.expiry}): longer uploads lose their parts."
    )


async def sweep_periodically(sweep_uploads: SweepUploads, interval: timedelta) -> None:
    """Sweep at about this interval until cancelled, also after a failed pass."""
    position = BEGINNING
    while True:
        await asyncio.sleep(interval.total_seconds() * random.uniform(*_JITTER))  # noqa: S311
        position = await sweep_backlog(sweep_uploads, position)


async def sweep_backlog(sweep_uploads: SweepUploads, position: SweepPosition) -> SweepPosition:
    """Make passes until nothing is due, and return the position of the next sweep.

    Stop when S3 or the database does not answer.
    """
    while True:
        try:
            report = await sweep_uploads(position=position)
        except UploadError as exc:
            _logger.warning("The sweep ended early: %s", exc)
            return BEGINNING
        except Exception:
            _logger.exception("The sweep failed")
            return BEGINNING
        if report.has_findings:
            _logger.info("%s", summarize(report))
        position = report.next_position or BEGINNING
        if not report.is_worth_continuing:
            return position
