"""The example of an object store is installed beside the service and carries an upload."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.servers.mongodb_kinds import free_port

from .service import ROOT, environment, running_service
from .upload import MIB, Upload, answer

pytestmark = pytest.mark.e2e

EXAMPLE = ROOT / "examples/sqlite-store"
PARTS = [b"a" * 8 * MIB, b"the end"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheels of the service and of the example into an environment of their own.

    It finds the libraries in the environment of the tests, but nothing of this repository.
    """
    folder = tmp_path_factory.mktemp("installed")
    service = folder / "service"
    shutil.copytree(ROOT / "src", service / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, service)
    shutil.copytree(EXAMPLE, folder / "example")
    run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    for source in (service, folder / "example"):
        wheels = ("--no-deps", "--no-build-isolation", "--wheel-dir", str(folder / "wheels"))
        run(*pip, "wheel", *wheels, str(source))
    python = folder / "venv/bin/python"
    files = [str(wheel) for wheel in (folder / "wheels").iterdir()]
    run(*pip, "--python", str(python), "install", "--no-deps", "--no-index", *files)
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    # A path in a .pth file does not bring the .pth files there, such as that of the service.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": "",
        "OBJECT_STORE": "sqlite",
        "SQLITE_STORE_FILE": str(tmp_path / "objects.db"),
        "SQLITE_STORE_SECRET": "0123456789abcdef0123456789abcdef",
    }


def test_contract_suite_passes_where_the_example_is_installed(installed: Path) -> None:
    ran = subprocess.run(
        [installed / "venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=installed / "example",
        env=environment({"PYTHONPATH": ""}),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout


def test_installed_store_is_listed(installed: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [installed / "venv/bin/multipart-upload", "adapters"],
        cwd=tmp_path,
        env=environment({"PYTHONPATH": ""}),
        capture_output=True,
        text=True,
        check=True,
    )

    rows = [line.split() for line in ran.stdout.splitlines()]
    assert ["OBJECT_STORE", "sqlite", "multipart-upload-sqlite-store", "1.0.0"] in rows


def test_upload_through_the_service(
    installed: Path, tmp_path: Path, settings: dict[str, str]
) -> None:
    port = free_port()
    public = {"SQLITE_STORE_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    command = [str(installed / "venv/bin/multipart-upload")]
    with (
        running_service(tmp_path, {**settings, **public}, command=command, port=port) as service,
        service.client() as api,
    ):
        upload = Upload.start(api, size=sum(map(len, PARTS)))
        assert upload.started["part_size"] == len(PARTS[0])
        for number, body in enumerate(PARTS, 1):
            upload.send(number, body)
        done = answer(upload.complete())
        assert done["size"] == sum(map(len, PARTS))
        assert answer(upload.complete()) == done
        unsigned = api.put(f"/objects/{upload.key}", content=b"x")
        assert unsigned.status_code == 403

    with sqlite3.connect(settings["SQLITE_STORE_FILE"]) as database:
        query = "SELECT body FROM parts JOIN objects ON upload = id WHERE key = ? ORDER BY number"
        assert [body for (body,) in database.execute(query, (upload.key,))] == PARTS
    database.close()
