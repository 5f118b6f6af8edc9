"""The measured peers: how each is started, and its request for each case."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

HERE: Final = Path(__file__).parent / "peers"
UVICORN: Final = (
    *(sys.executable, "-m", "uvicorn", "--port", "{port}", "--loop", "uvloop"),
    *("--http", "httptools", "--no-access-log", "--log-level", "warning", "--app-dir", str(HERE)),
)
SERVE: Final = (
    str(Path(sys.executable).with_name("multipart-upload")),
    "serve",
    "--port",
    "{port}",
)


@dataclass(frozen=True, slots=True)
class Upload:
    """The upload id and key that a peer expects."""

    upload_id: str
    key: str

    @property
    def fields(self) -> dict[str, str]:
        """The fields that identify the upload in a request body."""
        return {"upload_id": self.upload_id, "key": self.key, "user_id": "alice"}


@dataclass(frozen=True, slots=True)
class Peer:
    """A measured service. `sign_many` is None if it has no batch route."""

    name: str
    command: Sequence[str]
    sign_one: Callable[[Upload], str]
    sign_many: Callable[[Upload, int], tuple[str, object]] | None = None
    cores: str = "0"
    ready: str | None = "/health/ready"


def _sign_url(upload: Upload) -> str:
    query = urlencode({"upload_id": upload.upload_id, "key": upload.key, "part_number": 77})
    return f"/api/get-signed-url?{query}"


def _sign_ranges(upload: Upload, count: int) -> tuple[str, object]:
    return "/api/get-signed-urls", {**upload.fields, "part_numbers": [f"1-{count}"]}


def _sign_numbers(upload: Upload, count: int) -> tuple[str, object]:
    return "/api/get-signed-urls", {**upload.fields, "part_numbers": list(range(1, count + 1))}


def _companion(upload: Upload) -> str:
    return f"/s3/multipart/2~stub/77?{urlencode({'key': upload.key})}"


def _companion_batch(upload: Upload, count: int) -> tuple[str, object]:
    numbers = ",".join(map(str, range(1, count + 1)))
    query = urlencode({"key": upload.key, "partNumbers": numbers}, safe=",")
    return f"/s3/multipart/2~stub/batch?{query}", None


OURS: Final = Peer("ours", SERVE, _sign_url, _sign_ranges)
TWO_WORKERS: Final = Peer("ours, 2 workers", (*SERVE, "--workers", "2"), _sign_url, cores="0,1")
GRANIAN: Final = Peer(
    "ours on granian",
    (
        *(str(Path(sys.executable).with_name("granian")), "--interface", "asgi", "--factory"),
        *("--port", "{port}", "--loop", "uvloop", "--no-access-log", "--log-level", "warning"),
        "multipart_upload.entrypoints.http.server:app_from_environment",
    ),
    _sign_url,
)
USUAL: Final = Peer("usual way", (*UVICORN, "usual:app"), _sign_url, _sign_numbers)
COMPANION: Final = Peer(
    "Companion",
    # A query of 10,000 part numbers exceeds Node's default header size.
    ("node", "--max-http-header-size=262144", str(HERE / "companion" / "server.mjs")),
    _companion,
    _companion_batch,
)
LITESTAR: Final = Peer("Litestar baseline", (*UVICORN, "baselines:litestar_app"), _sign_url)
BARE: Final = Peer("bare ASGI baseline", (*UVICORN, "baselines:bare_app"), _sign_url)
ALL: Final = (OURS, USUAL, COMPANION, LITESTAR, BARE, GRANIAN, TWO_WORKERS)
HAS_COMPANION: Final = (HERE / "companion" / "node_modules").is_dir()


def companion_versions() -> str:
    """Return the installed versions of the npm packages that sign."""
    modules = HERE / "companion" / "node_modules"
    names = ("@uppy/companion", "@aws-sdk/client-s3", "@aws-sdk/s3-request-presigner", "express")
    versions = (json.loads((modules / n / "package.json").read_text())["version"] for n in names)
    return ", ".join(f"{name} {version}" for name, version in zip(names, versions, strict=True))
