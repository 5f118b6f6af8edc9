"""Large bodies queue; small ones do not."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from multipart_upload.entrypoints.http import large_bodies
from multipart_upload.entrypoints.http.large_bodies import (
    MAX_SMALL_BYTES,
    RECEIVING,
    RUNNING,
    WAITING,
    LargeBodyGate,
    TooManyBatchesError,
)

MAX_BYTES: Final = 4 * MAX_SMALL_BYTES
LARGE: Final = b"x" * (MAX_SMALL_BYTES + 1)


class Application:
    """Reads the body of each request, then waits until it may answer."""

    def __init__(self, gate: LargeBodyGate) -> None:
        self.gate = gate
        self.running = 0
        self.max_running = 0
        self.bodies: list[bytes] = []
        self.may_answer = asyncio.Event()

    async def __call__(self, _: Any, receive: Any, __: Any) -> None:
        self.running += 1
        self.max_running = max(self.max_running, self.running)
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        await self.may_answer.wait()
        self.bodies.append(body)
        self.running -= 1

    def request(self, *chunks: bytes, length: int | None = None) -> asyncio.Task[None]:
        """Send a request; without a final empty chunk its body never ends."""
        chunked = [(b"transfer-encoding", b"chunked")]
        sized = [(b"content-length", b"%d" % (length or 0))]
        scope: Any = {"type": "http", "headers": chunked if length is None else sized}
        pending = list(chunks)

        async def receive() -> Any:
            if not pending:
                await asyncio.Event().wait()
            chunk = pending.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

        async def send(message: Any) -> None:
            pass

        return asyncio.create_task(self.gate.handle(scope, receive, send, self))


@pytest.fixture
def app() -> Application:
    return Application(LargeBodyGate(MAX_BYTES))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_large_requests_run_a_few_at_a_time_and_are_all_answered(app: Application) -> None:
    requests = [app.request(LARGE, LARGE, b"", length=2 * len(LARGE)) for _ in range(20)]
    await settle()
    assert app.running == RUNNING
    app.may_answer.set()
    await asyncio.gather(*requests)
    assert app.max_running == RUNNING
    assert app.bodies == [2 * LARGE] * 20


async def test_small_requests_overtake_large_ones(app: Application) -> None:
    large = [app.request(LARGE, b"", length=len(LARGE)) for _ in range(20)]
    small = [app.request(b"small", b"", length=5) for _ in range(5)]
    await settle()
    assert app.running == RUNNING + len(small)
    app.may_answer.set()
    await asyncio.gather(*large, *small)


async def test_a_body_without_a_length_counts_as_large(app: Application) -> None:
    requests = [app.request(b"small", b"") for _ in range(20)]
    await settle()
    assert app.running == RUNNING
    app.may_answer.set()
    await asyncio.gather(*requests)
    assert app.bodies == [b"small"] * 20


async def test_unfinished_body_does_not_delay_finished_ones(app: Application) -> None:
    slow = [app.request(LARGE, length=2 * len(LARGE)) for _ in range(RECEIVING - 1)]
    await settle()
    app.may_answer.set()
    await app.request(LARGE, b"", length=len(LARGE))
    assert app.bodies == [LARGE]
    for request in slow:
        request.cancel()


@pytest.mark.parametrize("length", [MAX_BYTES + 1, None], ids=["declared", "not declared"])
async def test_too_large_body_is_left_to_the_route(app: Application, length: int | None) -> None:
    app.may_answer.set()
    chunks = [LARGE] * 5
    await app.request(*chunks, b"", length=length)
    assert app.bodies == [b"".join(chunks)]


async def test_requests_beyond_the_queue_are_refused_at_once(app: Application) -> None:
    requests = [app.request(LARGE, b"", length=len(LARGE)) for _ in range(RECEIVING + WAITING)]
    await settle()
    with pytest.raises(TooManyBatchesError) as refused:
        await app.request(LARGE, b"", length=len(LARGE))
    assert refused.value.retry_after
    app.may_answer.set()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert outcomes.count(None) >= WAITING


async def test_requests_that_wait_too_long_are_refused(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_bodies, "WAIT_SECONDS", 0.01)
    running = [app.request(LARGE, b"", length=len(LARGE)) for _ in range(RUNNING)]
    await settle()
    with pytest.raises(TooManyBatchesError):
        await app.request(LARGE, b"", length=len(LARGE))
    app.may_answer.set()
    await asyncio.gather(*running)
    await app.request(LARGE, b"", length=len(LARGE))
