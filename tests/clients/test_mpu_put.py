"""`mpu put`: what it uploads, prints and returns."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.test_checksums import checksum_of
from tests.e2e.upload import some_bytes
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.servers.s3_proxy import Forward, S3Request, blocked_until

from .environment import PART_SIZE, Environment, some_file
from .mpu import Mpu

pytestmark = pytest.mark.e2e


@pytest.fixture
def mpu(environment: Environment) -> Mpu:
    return Mpu(environment)


def test_file_is_uploaded_and_its_location_printed(
    mpu: Mpu, environment: Environment, file: Path
) -> None:
    ended = mpu.run("put", file)
    assert (ended.code, ended.errors) == (0, "")
    (upload,) = environment.uploads()
    assert ended.output == f"{file}  16.8 MB  {upload['location']}\n"
    environment.require_stored(upload["key"], file)


def test_quiet_run_prints_nothing(mpu: Mpu, file: Path) -> None:
    ended = mpu.run("put", "--quiet", file)
    assert (ended.code, ended.output, ended.errors) == (0, "", "")


def test_json_run_prints_events(mpu: Mpu, environment: Environment, file: Path) -> None:
    ended = mpu.run("put", file, "--json")
    (upload,) = environment.uploads()
    reference = {"upload_id": upload["upload_id"], "key": upload["key"]}
    assert ended.code == 0
    assert ended.events == [
        {"event": "started", "file": str(file), **reference},
        {
            "event": "completed",
            "file": str(file),
            **reference,
            "location": upload["location"],
            "etag": upload["etag"],
            "size": file.stat().st_size,
            "checksum": checksum_of(file.read_bytes()),
            "verified": True,
            "resumed": 0,
        },
    ]


def test_folders_and_patterns_are_expanded_and_each_file_is_sent_once(
    mpu: Mpu, environment: Environment, tmp_path: Path
) -> None:
    for name in ("logs/a.gz", "logs/deep/b.gz", "logs/deep/c.txt", "data/d [1].csv"):
        some_file(tmp_path / name, 3)
    ended = mpu.run("put", "--json", "logs/**/*.gz", "data", "data/d [1].csv", "logs/a.gz")
    completed = {event["file"] for event in ended.events if event["event"] == "completed"}
    assert completed == {"logs/a.gz", "logs/deep/b.gz", "data/d [1].csv"}
    assert len(environment.uploads()) == 3


def test_name_that_is_no_utf_8_is_replaced(
    mpu: Mpu, environment: Environment, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    some_file(folder / os.fsdecode(b"caf\xe9.txt"), 3)
    ended = mpu.run("put", folder)
    assert (ended.code, ended.errors) == (0, "")
    assert [upload["filename"] for upload in environment.uploads()] == ["caf?.txt"]


def test_standard_input_is_uploaded_under_a_name(mpu: Mpu, environment: Environment) -> None:
    body = some_bytes(100)
    ended = mpu.run("put", "-", "--name", "dump.sql", "--json", stdin=body)
    assert ended.code == 0, ended.errors
    assert ended.event["key"].endswith("/dump.sql")
    assert environment.bucket.download(ended.event["key"]).body == body


def test_failed_file_does_not_stop_the_others(
    mpu: Mpu, environment: Environment, file: Path
) -> None:
    ended = mpu.run("put", "missing.txt", file)
    assert ended.code == 1
    assert ended.errors == "mpu: missing.txt: No such file or directory\n"
    assert [upload["status"] for upload in environment.uploads()] == ["completed"]


def test_failed_file_is_an_event(mpu: Mpu, file: Path) -> None:
    ended = mpu.run("put", "--json", file, "--user", "u" * 129)
    assert ended.code == 1
    assert (ended.event["event"], ended.event["code"]) == ("failed", "invalid-field")


def test_ctrl_c_pauses_and_the_next_run_resumes(
    mpu: Mpu, environment: Environment, file: Path
) -> None:
    arrived, release = threading.Event(), threading.Event()

    async def hold_third(request: S3Request, forward: Forward) -> bytes:
        if request.query["partNumber"] != "3":
            return await forward()
        arrived.set()
        return await blocked_until(release)(request, forward)

    environment.store_proxy.faults["PUT"] = hold_third
    with mpu.running("put", file, "--parallel", "1", stderr=subprocess.PIPE) as process:
        wait_until(arrived.is_set, "the third part is on its way")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    release.set()
    assert process.returncode == 130
    assert errors == "mpu: Paused. Run the same command again to resume.\n"
    assert [upload["status"] for upload in environment.uploads()] == ["in-progress"]

    puts = environment.count_puts()
    ended = mpu.run("put", file, "--json")
    assert ended.code == 0
    assert ended.event["resumed"] == 2 * PART_SIZE
    assert puts == {3: 1}
    environment.require_stored(ended.event["key"], file)


def test_unfinished_upload_is_discarded_with_no_resume(
    mpu: Mpu, environment: Environment, file: Path
) -> None:
    environment.store_proxy.faults["PUT"] = refuse_forever
    assert mpu.run("put", file).code == 1
    puts = environment.count_puts()
    ended = mpu.run("put", file, "--no-resume", "--json")
    assert puts == {1: 1, 2: 1, 3: 1}
    assert [upload["status"] for upload in environment.uploads()] == ["completed", "aborted"]
    environment.require_stored(ended.event["key"], file)


async def refuse_forever(_: S3Request, __: Forward) -> bytes:
    return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_ctrl_c_while_standard_input_is_read_leaves_nothing(
    mpu: Mpu, environment: Environment
) -> None:
    with mpu.running(
        "put", "-", "--json", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        wait_until(environment.uploads, "the upload has started")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE_SECONDS)
        assert process.stdin is not None
        process.stdin.close()
    assert process.returncode == 130
    environment.require_nothing_open()


def test_token_command_is_run_again_when_the_token_is_refused(
    mpu: Mpu, environment: Environment, tmp_path: Path
) -> None:
    seen: list[str] = []

    async def require_second(request: S3Request, forward: Forward) -> bytes:
        seen.append(request.header("authorization"))
        if seen[-1] == "Bearer token-1":
            head = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            return head.encode()
        return await forward()

    environment.api_proxy.faults["POST"] = require_second
    script = tmp_path / "token.sh"
    script.write_text(f"echo x >> {tmp_path}/runs; echo token-$(wc -l < {tmp_path}/runs)\n")
    file = some_file(tmp_path / "a.txt", 3)
    ended = mpu.run("put", file, "--token-command", f"sh {script}")
    assert ended.code == 0, ended.errors
    assert seen[:2] == ["Bearer token-1", "Bearer token-2"]
    assert set(seen[1:]) == {"Bearer token-2"}


def test_failing_token_command_is_shown(mpu: Mpu, file: Path) -> None:
    ended = mpu.run("put", file, "--token-command", "false")
    assert ended.code == 1
    assert "No bearer token" in ended.errors


def test_terminal_shows_progress_per_file_and_in_total(
    mpu: Mpu, environment: Environment, tmp_path: Path
) -> None:
    files = [some_file(tmp_path / name, 3) for name in ("a.txt", "b.txt")]
    shown = bytearray()
    master, slave = pty.openpty()

    def read() -> None:
        with suppress(OSError):  # the process has ended
            while piece := os.read(master, 4096):
                shown.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    with mpu.running("put", *files, stdout=slave, stderr=slave) as process:
        os.close(slave)
        process.wait(timeout=PATIENCE_SECONDS)
    reader.join()
    os.close(master)
    text = shown.decode()
    assert process.returncode == 0, text
    assert "total" in text
    for upload in environment.uploads():
        assert upload["location"] in text
