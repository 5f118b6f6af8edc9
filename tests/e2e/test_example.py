"""Requests of examples/upload.py to S3, and its handling of a refusal."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.servers.s3_kinds import S3Server
from tests.servers.s3_proxy import Forward, S3Request, s3_proxy
from tests.servers.scripted_server import s3_error

from .bucket import Bucket
from .service import running_service
from .upload import some_bytes

pytestmark = pytest.mark.e2e

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "upload.py"


@pytest.fixture
def bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "film.bin"
    file.write_bytes(some_bytes(9 * 2**20))
    return file


def upload(bucket: Bucket, file: Path, store_url: str) -> subprocess.CompletedProcess[str]:
    """Run the example on a service with a separate S3 URL for clients."""
    settings = {**bucket.settings, "S3_PUBLIC_ENDPOINT_URL": store_url}
    with running_service(file.parent, settings) as service:
        return subprocess.run(
            [sys.executable, str(EXAMPLE), str(file), "--api", service.url],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )


def test_parts_are_sent_without_a_content_type(bucket: Bucket, file: Path) -> None:
    heads: list[bytes] = []

    async def note_head(request: S3Request, forward: Forward) -> bytes:
        heads.append(request.raw.partition(b"\r\n\r\n")[0].lower())
        return await forward()

    with s3_proxy(bucket.server.endpoint_url) as proxy:
        proxy.faults["PUT"] = note_head
        ended = upload(bucket, file, proxy.url)
    assert ended.returncode == 0, ended.stderr
    assert len(heads) == 2
    assert [head for head in heads if b"content-type" in head] == []


def test_refusal_of_a_part_is_shown_without_a_retry(bucket: Bucket, file: Path) -> None:
    with refusing_store() as (url, connections):
        ended = upload(bucket, file, url)
    assert ended.returncode == 1
    assert "answered 403" in ended.stderr
    assert "SignatureDoesNotMatch" in ended.stderr
    assert "X-Amz-Signature" not in ended.stderr
    # One request per part: a refusal is not retried.
    assert len(connections) <= 2


@contextmanager
def refusing_store() -> Iterator[tuple[str, list[socket.socket]]]:
    """Answer 403 after the head of a request, and close without reading the body."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:  # the test is over
                    return
                with connection:
                    connections.append(connection)
                    head = b""
                    while b"\r\n\r\n" not in head:
                        head += connection.recv(1)
                    connection.sendall(s3_error("403 Forbidden", "SignatureDoesNotMatch"))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", connections
        server.shutdown(socket.SHUT_RDWR)
    thread.join()
