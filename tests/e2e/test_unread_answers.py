"""Clients that do not read large responses cost little memory and are disconnected."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from .bucket import Bucket
from .raw_http import get, post, read_answer, refusal, wait_for_answer, wait_until_reset
from .service import Service, running_service
from .upload import Upload

pytestmark = pytest.mark.e2e

# Makes every URL longer than 1 KB, and the response larger than 10 MB.
LONG_NAME: Final = "\u00fc" * 100
CLIENTS: Final = 60
QUICK: Final = (
    sys.executable,
    "-c",
    """
from multipart_upload.entrypoints.cli import main
from multipart_upload.entrypoints.http.connection import BoundedHttpProtocol
BoundedHttpProtocol.CHECK_SECONDS = 0.02
BoundedHttpProtocol.WRITE_SECONDS = 0.5
main(prog_name="multipart-upload")
""",
)


def sign_all(service: Service) -> bytes:
    with service.client() as api:
        upload = Upload.start(api, LONG_NAME)
        return post("/api/get-signed-urls", {**upload.identity, "part_numbers": ["1-10000"]})


def unread(service: Service, request: bytes) -> socket.socket:
    """Request a response larger than the socket buffers, and read nothing of it."""
    connection = service.connect(request, receive_buffer=4096)
    wait_for_answer(connection)
    return connection


def test_unread_responses_do_not_fill_the_memory(sqlite_service: Service) -> None:
    request = sign_all(sqlite_service)
    with sqlite_service.connect(request) as connection:
        assert len(read_answer(connection)[1]["urls"]) == 10_000
    before = sqlite_service.megabytes
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            stack.enter_context(unread(sqlite_service, request))
        assert sqlite_service.megabytes < before + 100


def test_a_client_that_does_not_read_is_disconnected(bucket: Bucket, tmp_path: Path) -> None:
    with running_service(tmp_path, bucket.settings, command=QUICK) as service:
        with unread(service, sign_all(service)) as connection:
            wait_until_reset(connection)
        with service.connect(get("/health/live")) as connection:
            assert read_answer(connection)[0] == 200


def test_connection_is_refused_when_all_others_are_busy(bucket: Bucket, tmp_path: Path) -> None:
    with (
        running_service(tmp_path, bucket.settings, "--max-connections", "2") as service,
        ExitStack() as stack,
    ):
        request = sign_all(service)
        for _ in range(2):
            stack.enter_context(unread(service, request))
        with service.connect() as connection:
            assert refusal(connection) == (503, "too-many-connections")
