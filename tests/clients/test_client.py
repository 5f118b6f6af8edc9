"""Lists, status and abort; the synchronous client; Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

import pytest

from multipart_upload_client import Client, UploadReference
from tests.e2e.disk import Disk
from tests.e2e.service import running_service
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.servers.mongodb_kinds import free_port
from tests.servers.s3_proxy import Forward, S3Request, blocked_until

from .environment import Environment, some_file

pytestmark = pytest.mark.e2e

PROGRAM: Final = """
import sys
from multipart_upload_client import Client

api, user, file = sys.argv[1:]
with Client(api, user_id=user) as client:
    try:
        client.upload(file)
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_uploads_are_listed_newest_first_and_by_status(
    environment: Environment, tmp_path: Path
) -> None:
    with environment.client() as client:
        first = client.upload(some_file(tmp_path / "a.txt", 3))
        second = client.upload(some_file(tmp_path / "b.txt", 4))
        listed = client.uploads()
        assert [upload.key for upload in listed] == [second.key, first.key]
        assert [(upload.filename, upload.size) for upload in listed] == [("b.txt", 4), ("a.txt", 3)]
        assert client.uploads(["aborted"]) == []
        assert len(client.uploads(["completed", "aborted"])) == 2


def test_status_says_what_has_arrived(environment: Environment, tmp_path: Path) -> None:
    started: list[UploadReference] = []
    with environment.client() as client:
        result = client.upload(some_file(tmp_path / "a.txt", 3), on_started=started.append)
        status = client.status(started[0])
    assert started == [UploadReference(result.upload_id, result.key)]
    assert (status.status, status.location, status.etag) == (
        "completed",
        result.location,
        result.etag,
    )


def test_abort_may_be_repeated(environment: Environment, file: Path) -> None:
    started: list[UploadReference] = []

    def stop(reference: UploadReference) -> None:
        started.append(reference)
        raise InterruptedError

    with environment.client() as client:
        with pytest.raises(InterruptedError):
            client.upload(file, on_started=stop)
        for _ in range(2):
            client.abort(started[0])
        assert client.status(started[0]).status == "aborted"
        assert not client.status(started[0]).is_open


def test_file_is_uploaded_to_a_store_on_disk(tmp_path: Path) -> None:
    disk = Disk(tmp_path, free_port())
    file = some_file(tmp_path / "film.bin")
    with (
        running_service(tmp_path, disk.settings, port=disk.port) as service,
        Client(service.url, user_id="alice") as client,
    ):
        result = client.upload(file)
    assert (disk.root / result.key).read_bytes() == file.read_bytes()


def test_missing_file_is_an_error_of_the_system(environment: Environment) -> None:
    with environment.client() as client, pytest.raises(FileNotFoundError):
        client.upload("missing")
    assert environment.uploads() == []


def test_ctrl_c_cancels_the_synchronous_client(environment: Environment, file: Path) -> None:
    arrived, release = threading.Event(), threading.Event()

    async def hold(request: S3Request, forward: Forward) -> bytes:
        arrived.set()
        return await blocked_until(release)(request, forward)

    environment.store_proxy.faults["PUT"] = hold
    arguments = [environment.api_proxy.url, environment.user_id, str(file)]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        wait_until(arrived.is_set, "a part is on its way")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    release.set()
    assert output == "interrupted\n"
    environment.require_nothing_open()
