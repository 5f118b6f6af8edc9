"""All routes that need MongoDB, S3 or both, as calls on an upload."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from .upload import Upload

Call = Callable[[Upload], httpx.Response]

ETAG: Final = '"0123456789abcdef0123456789abcdef"'


def start(upload: Upload) -> httpx.Response:
    body = {"user_id": upload.user_id, "filename": "a.txt", "content_type": "text/plain"}
    return upload.api.post("/api/start-upload", json=body)


def record(upload: Upload) -> httpx.Response:
    return upload.record(1, ETAG)


def sign(upload: Upload) -> httpx.Response:
    return upload.sign(1)


def sign_many(upload: Upload) -> httpx.Response:
    return upload.api.post("/api/get-signed-urls", json={**upload.identity, "part_numbers": [1]})


def record_many(upload: Upload) -> httpx.Response:
    parts = [{"part_number": 1, "etag": ETAG}]
    return upload.api.post("/api/upload-parts", json={**upload.reference, "parts": parts})


def ready(upload: Upload) -> httpx.Response:
    return upload.api.get("/health/ready")


SIGNING: Final = ("/api/get-signed-url", "/api/get-signed-urls")
ON_ONE_UPLOAD: Final[Mapping[str, Call]] = {
    "/api/get-signed-url": sign,
    "/api/get-signed-urls": sign_many,
    "/api/upload-part": record,
    "/api/upload-parts": record_many,
    "/api/complete-upload": Upload.complete,
    "/api/abort-upload": Upload.abort,
    "/api/upload-status": Upload.status,
    "/api/list-parts": Upload.list_parts,
}
ALL: Final[Mapping[str, Call]] = {
    "/api/start-upload": start,
    **ON_ONE_UPLOAD,
    "/api/uploads": Upload.siblings,
    "/health/ready": ready,
}
ASKING_S3: Final[Mapping[str, Call]] = {
    path: call
    for path, call in ALL.items()
    # These need only the database: signing does not call S3.
    if path not in {*SIGNING, "/api/upload-part", "/api/upload-parts", "/api/uploads"}
}


def all_at_once(
    calls: Mapping[str, Call], upload: Upload, clock: Callable[[], float] = time.monotonic
) -> dict[str, tuple[httpx.Response, float]]:
    """Call routes concurrently. Return each response and its duration by the clock."""

    def timed(call: Call) -> tuple[httpx.Response, float]:
        begun = clock()
        return call(upload), clock() - begun

    with ThreadPoolExecutor(len(calls)) as pool:
        return dict(zip(calls, pool.map(timed, calls.values()), strict=True))
