"""Blocking reads outside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def run_in_daemon(call: Callable[[], T]) -> T:
    """Run a call in a thread that does not keep the process alive.

    Unlike `asyncio.to_thread`, whose threads are joined at the end: reading a stream may block
    until its writer ends.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: BaseException | None) -> None:
        if done.done():  # cancelled
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]  # T may be Optional itself
        else:
            done.set_exception(error)

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except BaseException as exc:  # noqa: BLE001  # raised where the result is awaited
            error = exc
        with suppress(RuntimeError):  # the loop has closed in the meantime
            loop.call_soon_threadsafe(finish, result, error)

    Thread(target=work, daemon=True).start()
    return await done
