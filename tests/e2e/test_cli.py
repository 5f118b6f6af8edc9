"""The command line: help, start and end."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE_SECONDS, wait_until
from tests.servers.mongodb_kinds import free_port
from tests.servers.mongodb_proxy import MongoProxy
from tests.servers.s3_kinds import S3Server

from . import direct
from .bucket import Bucket
from .service import COMMAND, RetryTransport, Service, environment, run_command, running_service
from .upload import Upload, answer, some_bytes

pytestmark = pytest.mark.e2e

EXAMPLE = Path(__file__).parents[2] / "examples" / "upload.py"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["serve", "sweep", "migrate", "dev", "cors", "presigned URLs"]),
        (("serve",), ["--host", "--port", "--workers", "--reload", "S3_BUCKET_NAME", "MONGO_URI"]),
        (("sweep",), ["--once", "--dry-run", "--older-than", "UPLOAD_EXPIRY_SECONDS"]),
        (("migrate",), ["--check", "MongoDB"]),
        (("dev",), ["--port", "--data", "127.0.0.1"]),
        (("cors",), ["apply", "check", "ETag", "Location"]),
        (("cors", "apply"), ["BUCKET", "--origin", "CORS_ALLOWED_ORIGINS", "s3:PutBucketCORS"]),
        (("cors", "check"), ["BUCKET", "--origin", "CORS_ALLOWED_ORIGINS", "s3:GetBucketCORS"]),
    ],
    ids=[
        "multipart-upload",
        "serve",
        "sweep",
        "migrate",
        "dev",
        "cors",
        "cors apply",
        "cors check",
    ],
)
def test_help_explains_each_command(
    tmp_path: Path, arguments: tuple[str, ...], words: list[str]
) -> None:
    shown = run_command(tmp_path, {}, *arguments, "--help")

    assert shown.returncode == 0
    assert [word for word in words if word not in shown.stdout] == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("serve",),
        ("sweep",),
        ("migrate",),
        ("dev",),
        ("cors",),
        ("cors", "apply"),
        ("cors", "check"),
    ],
)
def test_help_contains_no_escape_sequences(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    shown = run_command(tmp_path, {}, *arguments, "--help")

    assert "\\b" not in shown.stdout
    assert "\b" not in shown.stdout


def test_help_of_serve_lists_one_setting_per_line(tmp_path: Path) -> None:
    shown = run_command(tmp_path, {}, "serve", "--help")

    lines = [line.split() for line in shown.stdout.splitlines()]
    for name in ("S3_BUCKET_NAME", "AWS_REGION", "S3_ENDPOINT_URL", "MONGO_URI", "WEB_PAGE"):
        assert [line for line in lines if name in line[:1]] != [], shown.stdout


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "S3_BUCKET_NAME"),
        ({"S3_BUCKET_NAME": "uploads", "MONGO_URI": "mongodb://x:secret@h:port"}, "MONGO_URI"),
    ],
)
def test_invalid_setting_ends_the_start_with_one_line(
    tmp_path: Path, settings: dict[str, str], name: str
) -> None:
    ended = run_command(tmp_path, settings, "serve", "--port", "0")

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert re.fullmatch(rf"Error: {name}: [^\n]+\n", ended.stderr)
    assert "secret" not in ended.stderr


async def test_sigterm_lets_a_running_complete_finish(
    strict_s3: S3Server, bucket: Bucket, tmp_path: Path
) -> None:
    async with MongoProxy.open(strict_s3.endpoint_url) as proxy:
        settings = {**bucket.settings, "S3_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
        with running_service(tmp_path, settings) as service, service.client() as api:
            upload = await asyncio.to_thread(Upload.start, api)
            await asyncio.to_thread(upload.send, 1, b"x")
            proxy.silence()
            running = asyncio.create_task(asyncio.to_thread(upload.complete))
            await asyncio.to_thread(wait_until_completing, service, upload)
            service.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(wait_until_refused, service)
            proxy.resume()

            assert answer(await running)["size"] == 1
            assert service.process.wait(PATIENCE_SECONDS) in {0, -signal.SIGTERM}
            assert "Finished server process" in service.log


def wait_until_completing(service: Service, upload: Upload) -> None:
    with service.client() as api:
        query = {"user_id": upload.user_id, "status": "completing"}
        wait_until(
            lambda: answer(api.get("/api/uploads", params=query))["uploads"], "the complete runs"
        )


def wait_until_refused(service: Service) -> None:
    def is_refused() -> bool:
        # Or reset, if the connection arrived just as the service stopped listening.
        try:
            direct.get(f"{service.url}/health/live")
        except httpx.TransportError:
            return True
        return False

    wait_until(is_refused, "the service refuses connections")


@dataclass(frozen=True, slots=True)
class Dev:
    """A running `dev`, and what its banner says."""

    process: subprocess.Popen[str]
    api: str
    files: Path
    command: str

    def client(self) -> httpx.Client:
        """Create a client that retries on 503, as clients should."""
        return httpx.Client(
            base_url=self.api,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
            transport=RetryTransport(),
        )


@contextmanager
def running_dev(folder: Path, *options: str) -> Iterator[Dev]:
    """Start `dev` on a free port, with its temporary files in `folder`."""
    process = subprocess.Popen(
        [*COMMAND, "dev", "--port", "0", *options],
        cwd=folder,
        # Settings of production, which `dev` must ignore.
        env=environment(
            {
                "TMPDIR": str(folder),
                "MONGO_URI": "mongodb://127.0.0.1:1",
                "OBJECT_STORE": "s3",
                "LOG_LEVEL": "wrong",
            }
        ),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Dev(process, *banner_of(process))
        finally:
            process.kill()


def banner_of(process: subprocess.Popen[str]) -> tuple[str, Path, str]:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if "Ctrl-C" in line:
            break
    patterns = (r"API +(\S+)", r"Files +(\S+)", r"(curl .+)")
    found = [match[1] for pattern in patterns if (match := re.search(pattern, text))]
    assert len(found) == len(patterns), text
    api, files, command = found
    return api, Path(files), command


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_dev_accepts_an_upload_and_cleans_up(tmp_path: Path, ending: signal.Signals) -> None:
    with running_dev(tmp_path) as dev, dev.client() as api:
        file = some_bytes(100_000)
        upload = Upload.start(api, size=len(file))
        upload.send(1, file)
        answer(upload.complete())
        assert (dev.files / upload.key).read_bytes() == file
        assert "<title>Uploads</title>" in api.get("/").text
        # Parse the printed curl command as a shell does; it works without a checkout.
        _, url, _, header, _, body = shlex.split(dev.command)
        name, _, value = header.partition(": ")
        started = answer(api.post(url, content=body, headers={name: value}))
        assert started["status"] == "initiated"
        assert list(tmp_path.iterdir())

        dev.process.send_signal(ending)
        assert dev.process.wait(PATIENCE_SECONDS) == 0

    assert list(tmp_path.iterdir()) == []


def test_dev_keeps_files_sessions_and_signed_urls_in_its_data_folder(tmp_path: Path) -> None:
    data, port = tmp_path / "data", str(free_port())
    with running_dev(tmp_path, "--data", str(data), "--port", port) as dev:
        with dev.client() as api:
            upload = Upload.start(api, size=5)
            signed = answer(upload.sign(1))["signed_url"]
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(PATIENCE_SECONDS) == 0
    with running_dev(tmp_path, "--data", str(data), "--port", port) as dev, dev.client() as api:
        again = Upload(api, upload.user_id, upload.started)
        assert direct.put(signed, b"hello").status_code == 200
        answer(again.complete())
    assert (data / "objects" / upload.key).read_bytes() == b"hello"
    assert (data / "secret").stat().st_mode & 0o077 == 0


def test_occupied_port_of_dev_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_command(tmp_path, {}, "dev", "--port", str(port))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "--port" in ended.stderr
    assert " PORT=" in ended.stderr


def test_example_uploads_a_file_and_prints_its_location(tmp_path: Path) -> None:
    file = tmp_path / "film.bin"
    file.write_bytes(some_bytes(9 * 2**20))
    with running_dev(tmp_path) as dev:
        ended = subprocess.run(
            [sys.executable, str(EXAMPLE), str(file), "--api", dev.api],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert ended.returncode == 0, ended.stderr
        key = ended.stdout.strip().partition("/objects/")[2]
        assert (dev.files / key).read_bytes() == file.read_bytes()
