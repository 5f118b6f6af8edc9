"""Cancelling tasks, including those that swallow a cancellation."""

from __future__ import annotations

import asyncio

import pytest

from multipart_upload.application.task_cancellation import cancel_tasks, close_in_time

pytestmark = pytest.mark.virtual_time


async def stubborn(times: int) -> None:
    """Swallow the given number of cancellations, as asyncio.wait_for may in Python 3.11."""
    for _ in range(times):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


async def failing() -> None:
    try:
        await asyncio.sleep(60)
    finally:
        raise ZeroDivisionError


async def test_a_task_that_swallows_cancellations_still_ends() -> None:
    tasks = [asyncio.create_task(stubborn(times)) for times in (1, 2, 3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await cancel_tasks(tasks)
    assert all(task.done() for task in tasks)


async def test_errors_of_cancelled_tasks_are_not_raised() -> None:
    tasks = [asyncio.create_task(failing()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await cancel_tasks(tasks)
    assert isinstance(tasks[0].exception(), ZeroDivisionError)
    assert tasks[1].cancelled()


async def test_a_task_that_has_ended_keeps_its_result() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await task
    await cancel_tasks([task])
    assert task.result() == "done"


async def test_close_that_never_ends_is_abandoned_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("multipart_upload.application.task_cancellation.CLOSE_SECONDS", 0.01)
    await close_in_time("MongoDB", asyncio.Event().wait())
    assert "MongoDB did not close" in caplog.text


async def test_close_that_fails_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        await close_in_time("MongoDB", failing_at_once())


async def failing_at_once() -> None:
    raise ZeroDivisionError
