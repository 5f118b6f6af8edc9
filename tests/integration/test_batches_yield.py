"""A request with ten thousand parts yields to other tasks every 40 ms on an ordinary machine."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
from dependency_injector import providers
from litestar import Litestar

from multipart_upload.adapters.clock import SystemClock
from multipart_upload.adapters.mongo import open_mongo_sessions
from multipart_upload.adapters.sql import open_sql_sessions
from multipart_upload.application.ports import SessionRepository
from multipart_upload.container import Container
from multipart_upload.domain.errors import RepositoryUnavailableError
from multipart_upload.domain.limits import MAX_PART_COUNT
from multipart_upload.domain.part_plan import PartPlan
from multipart_upload.entrypoints.http.app import create_app
from multipart_upload.settings import Settings
from multipart_upload.testing.contract.sample_sessions import NOW, sample_session
from multipart_upload.testing.memory import MemorySessionRepository
from multipart_upload.testing.memory.object_store import CAPABILITIES
from tests.patience import repeat_while_unavailable

ADDITIONS: Final = 500_000
"""Additions that Python does in 40 ms on an ordinary machine: the unit for blocked time."""
ATTEMPTS: Final = 5
"""A stalled machine fails one attempt; code that does not yield fails all of them."""
PART_SIZE: Final = 8 * 2**20
SESSION: Final = replace(
    sample_session(), plan=PartPlan.for_size(MAX_PART_COUNT * PART_SIZE, CAPABILITIES)
).initiated("2~abc", NOW)
IDENTITY: Final = {"upload_id": SESSION.id, "key": SESSION.key}
PARTS: Final = [
    {"part_number": number, "etag": '"d41d8cd98f00b204e9800998ecf8427e"', "size": PART_SIZE}
    for number in range(1, MAX_PART_COUNT + 1)
]


@dataclass(slots=True)
class BlockingMeter:
    """The longest CPU time of this thread between two turns of another task.

    CPU time, so that other processes on the machine do not count.
    """

    longest: float = 0.0

    async def watch(self) -> None:
        last = time.thread_time()
        while True:
            # Not in every iteration of the loop, which would slow the database down.
            await asyncio.sleep(0.001)
            now = time.thread_time()
            self.longest = max(self.longest, now - last)
            last = now


def measure_allowed_seconds() -> float:
    """Measure the current speed of the machine. Return the allowed CPU time in seconds."""
    begun, total = time.thread_time(), 0
    for number in range(ADDITIONS):
        total += number
    return time.thread_time() - begun


@pytest.fixture(params=["memory", "sqlite", pytest.param("mongo", marks=pytest.mark.integration)])
async def sessions(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[SessionRepository]:
    if request.param == "memory":
        yield MemorySessionRepository(SystemClock())
    elif request.param == "sqlite":
        async with open_sql_sessions(f"sqlite+aiosqlite:///{tmp_path}/uploads.db") as sessions:
            yield sessions
    else:
        async with open_mongo_sessions(request.getfixturevalue("mongo_uri")) as sessions:
            yield sessions


@pytest.fixture
async def app(sessions: SessionRepository) -> Litestar:
    await sessions.add(SESSION)
    container = Container(
        settings=Settings(
            _env_file=None,
            s3_bucket_name="bucket",
            aws_access_key_id="AKIATEST",
            aws_secret_access_key="secret",
        )
    )
    container.sessions.override(providers.Object(sessions))
    return create_app(container)


@pytest.fixture(autouse=True)
def _collected_garbage() -> Iterator[None]:
    """Collect the garbage of earlier tests before the request."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def post_without_blocking(app: Litestar, path: str, fields: object) -> Any:
    """POST until the event loop was never blocked too long. Return the response."""
    measured = []
    async with app.lifespan():
        for _ in range(ATTEMPTS):
            # On a slow machine the database may time out; retry after that 503.
            answer, longest = await repeat_while_unavailable(
                lambda: post_and_measure(app, path, fields)
            )
            measured.append((longest, measure_allowed_seconds()))
            if longest < measured[-1][1]:
                return json.loads(answer)
    pytest.fail(f"longest and allowed blocking times in seconds: {measured}")


async def post_and_measure(app: Litestar, path: str, fields: object) -> tuple[bytes, float]:
    """POST. Return the body and the longest blocking time; raise UnavailableError on 503."""
    body, answer, meter = json.dumps(fields).encode(), bytearray(), BlockingMeter()
    status = 0

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        answer.extend(message.get("body", b""))

    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (b"content-length", str(len(body)).encode()),
            (b"content-type", b"application/json"),
        ],
    }
    others = asyncio.create_task(meter.watch())
    await app(scope, receive, send)  # type: ignore[arg-type]  # Litestar has types of its own
    await asyncio.sleep(0)
    others.cancel()
    with suppress(asyncio.CancelledError):
        await others
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise RepositoryUnavailableError
    return bytes(answer), meter.longest


async def test_signing_ten_thousand_parts_does_not_block_the_event_loop(app: Litestar) -> None:
    fields = {**IDENTITY, "part_numbers": "all"}
    answer = await post_without_blocking(app, "/api/get-signed-urls", fields)
    assert len(answer["urls"]) == MAX_PART_COUNT


async def test_recording_ten_thousand_parts_does_not_block_the_event_loop(app: Litestar) -> None:
    fields = {**IDENTITY, "user_id": SESSION.user_id, "parts": PARTS}
    answer = await post_without_blocking(app, "/api/upload-parts", fields)
    assert answer["parts_recorded"] == MAX_PART_COUNT
