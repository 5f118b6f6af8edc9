"""Ten thousand parts in one request let other tasks run, every 20 ms on an ordinary machine."""

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
from multipart_upload.testing.contract.samples import NOW, sample_session
from multipart_upload.testing.memory import MemorySessionRepository
from tests.patience import repeat_while_unavailable

ADDITIONS: Final = 250_000
"""What Python adds up in 20 ms on an ordinary machine: the unit in which turns are measured."""
ATTEMPTS: Final = 5
"""A machine that stops for a moment spoils an attempt; code that does not yield spoils them all."""
PART_SIZE: Final = 8 * 2**20
SESSION: Final = replace(
    sample_session(), plan=PartPlan.for_size(MAX_PART_COUNT * PART_SIZE)
).initiated("2~abc", NOW)
ADDRESS: Final = {"upload_id": SESSION.id, "key": SESSION.key}
PARTS: Final = [
    {"part_number": number, "etag": '"d41d8cd98f00b204e9800998ecf8427e"', "size": PART_SIZE}
    for number in range(1, MAX_PART_COUNT + 1)
]


@dataclass(slots=True)
class Turns:
    """The longest time that this thread has computed between two turns of another task.

    Its own computing alone, so that a busy machine is no counterexample.
    """

    longest: float = 0.0

    async def take(self) -> None:
        last = time.thread_time()
        while True:
            # Not in every turn of the loop: that would take half of the machine from the database.
            await asyncio.sleep(0.001)
            now = time.thread_time()
            self.longest = max(self.longest, now - last)
            last = now


def longest_allowed() -> float:
    """Measure how fast this machine is just now, and return the longest turn in seconds."""
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
    """What earlier tests have left is not collected within the request."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def answer_leaving_turns(app: Litestar, path: str, fields: object) -> Any:
    """POST until no turn of an attempt was too long, and return the answer."""
    turns = []
    async with app.lifespan():
        for _ in range(ATTEMPTS):
            # Too long for a slow machine's database, it ends in 503, and is sent again.
            answer, longest = await repeat_while_unavailable(
                lambda: longest_turn(app, path, fields)
            )
            turns.append((longest, longest_allowed()))
            if longest < turns[-1][1]:
                return json.loads(answer)
    pytest.fail(f"longest turns and what was allowed, in seconds: {turns}")


async def longest_turn(app: Litestar, path: str, fields: object) -> tuple[bytes, float]:
    """POST and return the answer's body and the longest turn. Raise UnavailableError for a 503."""
    body, answer, turns = json.dumps(fields).encode(), bytearray(), Turns()
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
    others = asyncio.create_task(turns.take())
    await app(scope, receive, send)  # type: ignore[arg-type]  # Litestar has types of its own
    await asyncio.sleep(0)
    others.cancel()
    with suppress(asyncio.CancelledError):
        await others
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise RepositoryUnavailableError
    return bytes(answer), turns.longest


async def test_signing_ten_thousand_parts_does_not_block_the_event_loop(app: Litestar) -> None:
    fields = {**ADDRESS, "part_numbers": "all"}
    answer = await answer_leaving_turns(app, "/api/get-signed-urls", fields)
    assert len(answer["urls"]) == MAX_PART_COUNT


async def test_recording_ten_thousand_parts_does_not_block_the_event_loop(app: Litestar) -> None:
    fields = {**ADDRESS, "user_id": SESSION.user_id, "parts": PARTS}
    answer = await answer_leaving_turns(app, "/api/upload-parts", fields)
    assert answer["parts_recorded"] == MAX_PART_COUNT
