"""Clients that upload continuously and retry each request until it succeeds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Final
from uuid import uuid4

import httpx
from pymongo import MongoClient

from tests.patience import PATIENCE_SECONDS, wait_until

from .bucket import Bucket
from .direct import http_client
from .proxied import put
from .service import Service, run_command
from .upload import Upload, answer, problem, some_bytes

CLIENTS: Final = 4
PARTS_BETWEEN: Final = 5
_PAUSE_SECONDS: Final = 0.05
# The only errors that a client may get during an outage.
_RETRYABLE: Final = {
    "repository-unavailable": 503,
    "store-unavailable": 503,
    "operation-in-progress": 409,
    "concurrent-change": 409,
}


@dataclass
class OpenUpload:
    """An upload that keeps growing, with the ETags of its acknowledged parts."""

    upload: Upload
    recorded: dict[int, str] = field(default_factory=dict)


@dataclass
class FinishedUpload:
    """An upload, its bytes, and the response to its complete."""

    upload: Upload
    body: bytes
    completed: httpx.Response


@dataclass
class Load:
    """The uploads of all clients. `refusals` counts the errors that they got, by code."""

    api: httpx.Client
    http: httpx.Client
    over: Event = field(default_factory=Event)
    refusals: Counter[str] = field(default_factory=Counter)
    open: list[OpenUpload] = field(default_factory=list)
    finished: list[FinishedUpload] = field(default_factory=list)

    def run(self) -> None:
        """Send the parts of one long upload, with complete small uploads at intervals."""
        endless = OpenUpload(self._start(b""))
        self.open.append(endless)
        for number in range(1, 10_001):
            endless.recorded[number] = self._send(endless.upload, number, _body(number))
            if number % PARTS_BETWEEN == 0:
                self.finished.append(self._upload_file(_body(number)))
                time.sleep(_PAUSE_SECONDS)
            if self.over.is_set():
                return

    def _upload_file(self, body: bytes) -> FinishedUpload:
        upload = self._start(body)
        self._send(upload, 1, body)
        return FinishedUpload(upload, body, self._retry(upload.complete))

    def _start(self, body: bytes) -> Upload:
        # With the key, a retried start returns the session that the first may have created.
        headers = {"Idempotency-Key": uuid4().hex}
        fields: dict[str, Any] = {
            "user_id": f"user-{uuid4().hex}",
            "filename": "a.bin",
            "content_type": "text/plain",
            **({"size": len(body)} if body else {}),
        }
        started = self._retry(
            lambda: self.api.post("/api/start-upload", json=fields, headers=headers)
        )
        return Upload(self.api, fields["user_id"], answer(started))

    def _send(self, upload: Upload, number: int, body: bytes) -> str:
        """Sign, PUT and record a part. Return its ETag."""
        signed = answer(self._retry(lambda: upload.sign(number)))
        etag = put(self.http, signed, body)
        self._retry(lambda: upload.record(number, etag, size=len(body)))
        return etag

    def _retry(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (response := call()).is_success:
            code = response.json()["code"]
            problem(response, _RETRYABLE.get(code, 503), code)
            assert int(response.headers["retry-after"]) >= 1
            assert time.monotonic() < deadline, response.text
            self.refusals[code] += 1
            time.sleep(_PAUSE_SECONDS)
        return response


@contextmanager
def load_without_losses(
    service: Service, bucket: Bucket, settings: Mapping[str, str]
) -> Iterator[Load]:
    """Upload while the block injects faults, then check that nothing was lost or restarted."""
    with (
        service.client_without_retries() as once,
        service.client() as api,
        http_client() as http,
    ):
        with _under_load(Load(once, http)) as load:
            yield load
        for endless in load.open:
            endless.upload = replace(endless.upload, api=api)
        for done in load.finished:
            done.upload = replace(done.upload, api=api)
        _require_nothing_lost(load, bucket, settings["MONGO_URI"])
        wait_until(partial(_sweep, service.log_file.parent, settings), "a sweep without a failure")
        _require_no_orphans(load, bucket)
    assert service.process.poll() is None


def _sweep(folder: Path, settings: Mapping[str, str]) -> bool:
    return run_command(folder, settings, "sweep", "--once", "--older-than", "0s").returncode == 0


@contextmanager
def _under_load(load: Load) -> Iterator[Load]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(load.run) for _ in range(CLIENTS)]
        try:
            wait_until(lambda: len(load.finished) >= CLIENTS, "every client uploads")
            yield load
            enough = len(load.finished) + 2 * CLIENTS
            wait_until(lambda: len(load.finished) >= enough, "uploads succeed again")
        finally:
            load.over.set()
            # Raise the failure of a client rather than the timeout of a wait that it caused.
            for client in clients:
                client.result()


def _require_nothing_lost(load: Load, bucket: Bucket, mongo_uri: str) -> None:
    """Check every acknowledged state and part, and the content of every object."""
    for one in load.open:
        acknowledged = {number: etag.strip('"') for number, etag in one.recorded.items()}
        parts = answer(one.upload.list_parts())["parts"]
        assert {part["part_number"]: part["etag"] for part in parts} == acknowledged
        assert {part["status"] for part in parts} == {"verified"}
        # That list includes the parts in S3; this checks the recorded ones.
        assert _in_database(mongo_uri, one.upload).items() >= acknowledged.items()
        assert answer(one.upload.status())["status"] == "in-progress"
    for done in load.finished:
        assert answer(done.upload.status())["status"] == "completed"
        assert done.upload.complete().content == done.completed.content
        assert bucket.download(done.upload.key).body == done.body


def _in_database(mongo_uri: str, upload: Upload) -> dict[int, str]:
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    with client:
        parts = client.get_default_database()["upload_parts"]
        found = parts.find({"session_id": upload.started["upload_id"], "etag": {"$exists": True}})
        return {part["number"]: part["etag"] for part in found}


def _require_no_orphans(load: Load, bucket: Bucket) -> None:
    """Check that after the sweep S3 has no uploads but the open ones."""
    assert [len(bucket.open_uploads(one.upload.key)) for one in load.open] == [1] * len(load.open)
    assert not any(bucket.open_uploads(done.upload.key) for done in load.finished)


def _body(number: int) -> bytes:
    return some_bytes(50 + number, seed=number)
