"""Who is measured: how each is started, and how it is asked for the same."""

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
    """An upload as a peer names it."""

    upload_id: str
    key: str

    @property
    def fields(self) -> dict[str, str]:
        """Give what names it in bodies."""
        return {"upload_id": self.upload_id, "key": self.key, "user_id": "alice"}


@dataclass(frozen=True, slots=True)
class Peer:
    """A service under measurement; what it has no answer for is None."""

    name: str
    command: Sequence[str]
    sign_one: Callable[[Upload], str]
    sign_many: Callable[[Upload, int], tuple[str, object]] | None = None
    cores: str = "0"
    ready: str | None = "/health/ready"


def _signed_url(upload: Upload) -> str:
    query = urlencode({"upload_id": upload.upload_id, "key": upload.key, "part_number": 77})
    return f"/api/get-signed-url?{query}"


def _signed_urls(upload: Upload, count: int) -> tuple[str, object]:
    return "/api/get-signed-urls", {**upload.fields, "part_numbers": [f"1-{count}"]}


def _numbers(upload: Upload, count: int) -> tuple[str, object]:
    return "/api/get-signed-urls", {**upload.fields, "part_numbers": list(range(1, count + 1))}


def _companions(upload: Upload) -> str:
    return f"/s3/multipart/2~stub/77?{urlencode({'key': upload.key})}"


def _companions_batch(upload: Upload, count: int) -> tuple[str, object]:
    numbers = ",".join(map(str, range(1, count + 1)))
    query = urlencode({"key": upload.key, "partNumbers": numbers}, safe=",")
    return f"/s3/multipart/2~stub/batch?{query}", None


OURS: Final = Peer("ours", SERVE, _signed_url, _signed_urls)
TWO_WORKERS: Final = Peer("ours, 2 workers", (*SERVE, "--workers", "2"), _signed_url, cores="0,1")
GRANIAN: Final = Peer(
    "ours on granian",
    (
        *(str(Path(sys.executable).with_name("granian")), "--interface", "asgi", "--factory"),
        *("--port", "{port}", "--loop", "uvloop", "--no-access-log", "--log-level", "warning"),
        "multipart_upload.entrypoints.http.server:app_from_environment",
    ),
    _signed_url,
)
USUAL: Final = Peer("usual way", (*UVICORN, "usual:app"), _signed_url, _numbers)
COMPANION: Final = Peer(
    "Companion",
    # A query that names 10,000 parts is longer than Node takes by itself.
    ("node", "--max-http-header-size=262144", str(HERE / "companion" / "server.mjs")),
    _companions,
    _companions_batch,
)
LITESTAR: Final = Peer("Litestar floor", (*UVICORN, "floors:litestar_app"), _signed_url)
BARE: Final = Peer("bare floor", (*UVICORN, "floors:bare_app"), _signed_url)
ALL: Final = (OURS, USUAL, COMPANION, LITESTAR, BARE, GRANIAN, TWO_WORKERS)
HAS_COMPANION: Final = (HERE / "companion" / "node_modules").is_dir()


def companions_versions() -> str:
    """Say what npm has resolved Companion's ranges to, of what its signing runs through."""
    modules = HERE / "companion" / "node_modules"
    names = ("@uppy/companion", "@aws-sdk/client-s3", "@aws-sdk/s3-request-presigner", "express")
    versions = (json.loads((modules / n / "package.json").read_text())["version"] for n in names)
    return ", ".join(f"{name} {version}" for name, version in zip(names, versions, strict=True))
