"""HTTP over a socket, for clients that violate the protocol."""

from __future__ import annotations

import http.client
import json
import select
import socket
from collections.abc import Mapping
from typing import Any, Final

HOST: Final = b"Host: test\r\n"
PATIENCE_MILLISECONDS: Final = 60_000


def get(path: str, *headers: bytes) -> bytes:
    return b"GET " + path.encode() + b" HTTP/1.1\r\n" + HOST + b"".join(headers) + b"\r\n"


def post(path: str, fields: Mapping[str, object]) -> bytes:
    return post_head(path, len(body := json.dumps(fields).encode())) + body


def post_head(path: str, length: int) -> bytes:
    headers = f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    return b"POST " + path.encode() + b" HTTP/1.1\r\n" + HOST + headers.encode()


def read_answer(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """Read one answer's status and its JSON, and require the headers that every answer has."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    return response.status, json.loads(response.read())


def refusal(connection: socket.socket) -> tuple[int, str]:
    """Read an error after which the service closes. Return its status and code."""
    status, problem = read_answer(connection)
    assert problem["status"] == status
    connection.shutdown(socket.SHUT_WR)
    assert is_closed(connection)
    return status, problem["code"]


def is_closed(connection: socket.socket) -> bool:
    """Wait until the service closes the connection. Return False if it sends data first."""
    try:
        return not connection.recv(1)
    except ConnectionResetError:
        return True


def wait_for_answer(connection: socket.socket) -> None:
    """Wait until a response begins, without consuming it."""
    assert connection.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 200"


def wait_until_reset(connection: socket.socket) -> None:
    """Wait, without reading, until the service resets the connection."""
    poll = select.poll()
    poll.register(connection, 0)
    assert poll.poll(PATIENCE_MILLISECONDS), "the connection is still there"
