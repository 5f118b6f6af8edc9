"""Streamed JSON responses, generated while they are sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Final

from multipart_upload.entrypoints.http.responses import JsonStream, Turns

PIECES: Final = 20
STREAMS: Final = 16


class Pieces:
    """Counts the pieces that were generated."""

    def __init__(self) -> None:
        self.made = 0

    def __iter__(self) -> Iterator[bytes]:
        yield b"[0"
        for number in range(PIECES):
            self.made += 1
            yield b",%d" % number
        yield b"]"


async def send_all(pieces: Pieces, turns: Turns, send: Any) -> None:
    answer: Any = JsonStream(pieces, turns).to_asgi_response()
    await answer({}, None, send)


async def test_pieces_form_one_json_response_without_a_length() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await send_all(Pieces(), Turns(), send)
    start, *bodies = sent
    assert (start["status"], dict(start["headers"])) == (
        200,
        {b"content-type": b"application/json"},
    )
    assert json.loads(b"".join(body["body"] for body in bodies)) == [0, *range(PIECES)]
    assert [body["more_body"] for body in bodies] == [True] * (len(bodies) - 1) + [False]


async def test_header_added_to_one_response_is_not_in_the_next() -> None:
    headers: list[Any] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-request-id", b"1")]
            headers.append(message["headers"])

    for _ in range(2):
        await send_all(Pieces(), Turns(), send)
    assert [len(sent) for sent in headers] == [2, 2]


async def test_no_further_piece_is_made_for_a_client_that_does_not_read() -> None:
    pieces, begun, unread = Pieces(), asyncio.Event(), asyncio.Event()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await unread.wait()

    stream = asyncio.create_task(send_all(pieces, Turns(), send))
    await begun.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    assert pieces.made <= 1
    unread.set()
    await stream
    assert pieces.made == PIECES


async def test_client_that_does_not_read_delays_no_other() -> None:
    turns, begun = Turns(), asyncio.Event()

    async def stall(message: Any) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()

    async def send(message: Any) -> None:
        pass

    stalled = asyncio.create_task(send_all(Pieces(), turns, stall))
    await begun.wait()
    await send_all(Pieces(), turns, send)
    stalled.cancel()


async def test_other_requests_run_between_pieces_of_all_streams() -> None:
    turns, sources = Turns(), [Pieces() for _ in range(STREAMS)]
    most = made = 0

    async def send(message: Any) -> None:
        pass

    async def small_requests() -> None:
        nonlocal most, made
        while made < PIECES * STREAMS:
            await asyncio.sleep(0)
            now = sum(pieces.made for pieces in sources)
            most, made = max(most, now - made), now

    await asyncio.gather(small_requests(), *(send_all(one, turns, send) for one in sources))
    assert most == 1
