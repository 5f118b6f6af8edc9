"""Limits on memory and time per connection, whatever a client sends or withholds."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import pytest

from multipart_upload.entrypoints.http.large_bodies import RECEIVING, WAITING

from .bucket import Bucket
from .raw_http import PATIENCE_MILLISECONDS, get, is_closed, post_head, read_answer, refusal
from .service import Service, running_service

pytestmark = pytest.mark.e2e

KIB: Final = 1024
HEALTH: Final = get("/health/live")
ALIVE: Final = (200, {"status": "ok"})
QUICK: Final = (
    sys.executable,
    "-c",
    """
from multipart_upload.entrypoints.cli import main
from multipart_upload.entrypoints.http.connection import Awaited, BoundedHttpProtocol
BoundedHttpProtocol.CHECK_SECONDS = 0.02
BoundedHttpProtocol.WAIT_SECONDS = dict.fromkeys(Awaited, 2)
main(prog_name="multipart-upload")
""",
)


@pytest.fixture(scope="module")
def quick(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Provide a service with short timeouts for clients."""
    folder = tmp_path_factory.mktemp("quick-service")
    with running_service(folder, bucket.settings, command=QUICK) as service:
        yield service


@pytest.mark.parametrize(
    "head",
    [
        get("/health/live?" + "x" * 65 * KIB),
        get("/health/live", b"X-Long: " + b"x" * 65 * KIB + b"\r\n"),
        get("/health/live", *[b"X-%d: x\r\n" % number for number in range(101)]),
        get("/health/live", *[b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(70)]),
        get("/health/live?" + "x" * 65 * KIB)[:-2],
        get("/health/live", b"X-Long: " + b"x" * 65 * KIB)[:-2],
        b"POST /health/live HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n" + b"X: x\r\n" * 101,
    ],
    ids=["url", "header", "count", "sum", "endless url", "endless header", "trailers"],
)
def test_request_head_over_its_limit_is_431(sqlite_service: Service, head: bytes) -> None:
    with sqlite_service.connect(head) as connection:
        assert refusal(connection) == (431, "head-too-large")


def test_request_head_within_its_limit_is_served(sqlite_service: Service) -> None:
    headers = [b"X-%d: %s\r\n" % (number, b"x" * 600) for number in range(98)]
    with sqlite_service.connect(get("/health/live", *headers)) as connection:
        assert read_answer(connection) == ALIVE


def test_request_heads_may_be_split_and_pipelined(sqlite_service: Service) -> None:
    pieces = [HEALTH[at : at + 1] for at in range(len(HEALTH))]
    with sqlite_service.connect(*pieces) as connection:
        assert read_answer(connection) == ALIVE
        body = b"x" * 60 * KIB
        connection.sendall(post_head("/nowhere", len(body)) + body + HEALTH)
        assert read_answer(connection)[0] == 404


def test_more_than_sixteen_pipelined_requests_are_refused(sqlite_service: Service) -> None:
    answers = b""
    with sqlite_service.connect(HEALTH * 1000) as connection, suppress(ConnectionResetError):
        while received := connection.recv(65536):
            answers += received
    assert answers.count(b"HTTP/1.1 200") < 1000


@pytest.mark.parametrize("piece", [b"x" * 1000, b"a:\r\n" * 250], ids=["one header", "many"])
def test_endless_request_heads_do_not_fill_the_memory(
    sqlite_service: Service, piece: bytes
) -> None:
    before = sqlite_service.megabytes
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(sqlite_service.connect(b"GET / HTTP/1.1\r\nx: "))
            with suppress(OSError):
                for _ in range(10_000):
                    connection.sendall(piece)
        assert sqlite_service.megabytes < before + 60


def test_an_unfinished_head_is_408(quick: Service) -> None:
    with quick.connect(HEALTH[:-2]) as connection:
        assert refusal(connection) == (408, "request-timeout")


def test_line_breaks_before_a_head_do_not_extend_its_deadline(quick: Service) -> None:
    with quick.connect(b"\r\n") as connection:
        assert refusal(connection) == (408, "request-timeout")


def test_an_unfinished_body_is_408(quick: Service) -> None:
    with quick.connect(post_head("/api/start-upload", 100), b'{"user_id": ') as connection:
        assert refusal(connection) == (408, "request-timeout")


def test_client_that_disconnects_during_a_body_is_not_a_server_error(quick: Service) -> None:
    for length in (100, 100 * KIB):
        head = post_head("/api/upload-parts", length)
        with quick.connect(head, b'{"user_id": ') as connection:
            assert refusal(connection) == (408, "request-timeout")
    with quick.connect(HEALTH) as connection:
        assert read_answer(connection) == ALIVE
    assert "ERROR" not in quick.log


@pytest.mark.parametrize(
    "path", ["/api/upload-parts", f"/s3/multipart/{'0' * 32}/complete?key=k"], ids=["api", "s3"]
)
def test_too_many_concurrent_large_bodies_are_503_while_small_requests_pass(
    sqlite_service: Service, path: str
) -> None:
    head = post_head(path, 100 * KIB)
    with ExitStack() as stack:
        large = [
            stack.enter_context(sqlite_service.connect(head))
            for _ in range(RECEIVING + WAITING + 5)
        ]
        refused = select.select(large, [], [], PATIENCE_MILLISECONDS / 1000)[0]
        status, problem = read_answer(refused[0])
        assert (status, problem["code"]) == (503, "too-many-batches")
        small = stack.enter_context(sqlite_service.connect(post_head(path, 2), b"{}"))
        assert read_answer(small)[0] in {400, 404, 415, 422}


def test_refusal_does_not_wait_for_the_rest_of_a_body(quick: Service) -> None:
    body = b"x" * 70 * KIB
    with quick.connect(post_head("/api/start-upload", 2 * len(body)), body) as connection:
        assert read_answer(connection)[0] == 413
        assert is_closed(connection)


def test_connection_that_sends_nothing_is_closed(quick: Service) -> None:
    with quick.connect() as connection:
        assert is_closed(connection)


def test_an_idle_connection_is_closed(quick: Service) -> None:
    with quick.connect(HEALTH) as connection:
        assert read_answer(connection) == ALIVE
        assert is_closed(connection)


def test_health_check_works_when_all_connections_are_busy(bucket: Bucket, tmp_path: Path) -> None:
    with (
        running_service(tmp_path, bucket.settings, "--max-connections", "3") as service,
        ExitStack() as stack,
    ):
        idle = stack.enter_context(service.connect(HEALTH))
        assert read_answer(idle) == ALIVE
        half = stack.enter_context(service.connect(HEALTH[:-2]))
        for _ in range(3):
            with service.connect(HEALTH) as connection:
                assert read_answer(connection) == ALIVE
                with service.connect(HEALTH) as another:
                    assert read_answer(another) == ALIVE
        assert is_closed(idle)
        half.close()
