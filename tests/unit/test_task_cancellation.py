"""Ending tasks, those too that swallow a cancellation."""

from __future__ import annotations

import asyncio

import pytest

from multipart_upload.application.task_cancellation import close_in_time, stopped

pytestmark = pytest.mark.virtual_time


async def stubborn(times: int) -> None:
    """Do what asyncio.wait_for does in Python 3.11: go on although cancelled, so many times."""
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


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    tasks = [asyncio.create_task(stubborn(times)) for times in (1, 2, 3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await stopped(tasks)
    assert all(task.done() for task in tasks)


async def test_how_a_task_ends_is_its_own_business() -> None:
    tasks = [asyncio.create_task(failing()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await stopped(tasks)
    assert isinstance(tasks[0].exception(), ZeroDivisionError)
    assert tasks[1].cancelled()


async def test_what_has_ended_needs_no_stopping() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await task
    await stopped([task])
    assert task.result() == "done"


async def test_close_that_never_ends_is_given_up_and_named(
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
