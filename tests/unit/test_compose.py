"""compose.yaml and Dockerfile, as far as they can be checked without Docker."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()


def read_script(service: str) -> list[str]:
    """Return the entrypoint of a service; compose doubles each dollar sign."""
    return [part.replace("$$", "$") for part in SERVICES[service]["entrypoint"]]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_runs_with_least_privilege(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_volume_is_declared(name: str) -> None:
    volumes = [volume.partition(":")[0] for volume in SERVICES[name].get("volumes", [])]

    assert set(volumes) <= COMPOSE["volumes"].keys()


def test_images_are_pinned_to_full_versions() -> None:
    of_compose = [one["image"] for one in SERVICES.values() if "build" not in one]
    of_dockerfile = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, flags=re.MULTILINE)

    assert len(of_dockerfile) == 1
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE) == ["${PYTHON}"] * 2
    for image in (*of_compose, *of_dockerfile):
        assert re.search(r":v?\d+\.\d+\.\d+(-|$)", image), image


def test_service_waits_for_its_database_and_bucket() -> None:
    waits = SERVICES["api"]["depends_on"]

    assert waits["mongo"] == {"condition": "service_healthy"}
    assert waits["s3-bucket"] == {
        "condition": "service_completed_successfully",
        "required": False,
    }
    assert SERVICES["s3-bucket"]["profiles"] == SERVICES["s3"]["profiles"] == ["s3"]
    assert SERVICES["s3-bucket"]["restart"] == "no"


def test_mongodb_password_must_be_set() -> None:
    uri = SERVICES["api"]["environment"]["MONGO_URI"]
    password = SERVICES["mongo"]["environment"]["MONGO_INITDB_ROOT_PASSWORD"]

    assert re.fullmatch(r"\$\{MONGO_PASSWORD:\?[^}:]+ \.env [^}:]+\}", password)
    assert uri.startswith(f"mongodb://multipart:{password}@mongo:27017/")
    assert uri.endswith("&authSource=admin")
    assert SERVICES["mongo"]["environment"]["MONGO_INITDB_ROOT_USERNAME"] == "multipart"
    assert "--keyFile" in SERVICES["mongo"]["command"]
    assert "ports" not in SERVICES["mongo"]


def test_mongodb_starts_with_a_new_key_file_readable_by_its_user_only(tmp_path: Path) -> None:
    program = tmp_path / "docker-entrypoint.sh"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    shell, option, script, name = read_script("mongo")
    command = [shell, option, script.replace("/tmp/", f"{tmp_path}/"), name]  # noqa: S108
    keys = []
    for _ in range(2):
        (tmp_path / "keyfile").unlink(missing_ok=True)
        started = subprocess.run(
            [*command, *SERVICES["mongo"]["command"]],
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert started.stdout.splitlines() == SERVICES["mongo"]["command"]
        keys.append((tmp_path / "keyfile").read_text())
        assert stat.S_IMODE((tmp_path / "keyfile").stat().st_mode) == 0o600
    # mongod accepts 6 to 1024 characters of base64.
    assert all(re.fullmatch(r"[A-Za-z0-9+/=]{6,1024}", key) for key in keys)
    assert keys[0] != keys[1]


@pytest.mark.parametrize("keys", [("", ""), ("key", ""), ("", "secret")])
def test_s3_server_without_keys_names_the_variables_to_set(keys: tuple[str, str]) -> None:
    ended = subprocess.run(
        [*read_script("s3"), *SERVICES["s3"]["command"]],
        env={
            "PATH": os.environ["PATH"],
            "ROOT_ACCESS_KEY_ID": keys[0],
            "ROOT_SECRET_ACCESS_KEY": keys[1],
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert re.fullmatch(r"Fill in \.env first: AWS_ACCESS_KEY_ID [^\n]+\.\n", ended.stderr)


def test_service_port_is_one_setting() -> None:
    api = SERVICES["api"]

    assert api["environment"]["PORT"] == "${PORT:-8000}"
    assert api["ports"] == ["127.0.0.1:${PORT:-8000}:${PORT:-8000}"]
    assert "PORT=8000" in DOCKERFILE
    assert "--port" not in re.findall(r"^CMD (.+)$", DOCKERFILE, flags=re.MULTILINE)[0]
