"""The servers of a test, its client, and what the test observes of both."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from multipart_upload_client import AsyncClient, Client, RetryPolicy
from tests.e2e.bucket import Bucket
from tests.e2e.service import Service
from tests.e2e.upload import MIB, some_bytes
from tests.servers.s3_proxy import Fault, FaultSequence, Forward, S3Proxy, S3Request

PART_SIZE: Final = 8 * MIB
"""The service plans parts of at least this size."""


def some_file(path: Path, size: int = 2 * PART_SIZE + 100) -> Path:
    """Write a file, by default one of three parts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(some_bytes(size))
    return path


@dataclass(slots=True)
class Delays:
    """A sleep that takes no time and records for how long it was asked."""

    asked: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Environment:
    """A service and a bucket behind proxies, and a user with no uploads yet."""

    bucket: Bucket
    service: Service
    store_proxy: S3Proxy
    api_proxy: S3Proxy
    folder: Path
    user_id: str = field(default_factory=lambda: f"user-{uuid4().hex}")
    delays: Delays = field(default_factory=Delays)

    @property
    def state_folder(self) -> Path:
        return self.folder / "state"

    @property
    def saved(self) -> Sequence[Path]:
        """The state files of unfinished uploads."""
        return list(self.state_folder.glob("*"))

    def async_client(self, **options: Any) -> AsyncClient:
        return AsyncClient(self.api_proxy.url, **self._options(options))

    def client(self, **options: Any) -> Client:
        return Client(self.api_proxy.url, **self._options(options))

    def _options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        # Many attempts: on a slow machine the service's own deadlines may cost some.
        retry = RetryPolicy(attempts=50, sleep=self.delays.sleep, jitter=lambda: 0.5)
        defaults = {"user_id": self.user_id, "retry": retry, "state_folder": self.state_folder}
        return {**defaults, **options}

    def fail_put(self, *faults: Fault) -> FaultSequence:
        """Apply each fault to one PUT of a part."""
        sequence = FaultSequence(*faults)
        self.store_proxy.faults["PUT"] = sequence
        return sequence

    def fail_route(self, route: str, *faults: Fault) -> FaultSequence:
        """Apply each fault to one request to a route of the service."""
        sequence = FaultSequence(*faults)

        async def apply(request: S3Request, forward: Forward) -> bytes:
            return await (sequence(request, forward) if request.key == route else forward())

        self.api_proxy.faults.update(GET=apply, POST=apply)
        return sequence

    def count_puts(self) -> dict[int, int]:
        """Count from now on the PUTs of each part that the store has answered."""
        puts: dict[int, int] = defaultdict(int)

        async def note(request: S3Request, forward: Forward) -> bytes:
            answer = await forward()
            puts[int(request.query["partNumber"])] += 1
            return answer

        self.store_proxy.faults["PUT"] = note
        return puts

    def uploads(self) -> list[dict[str, Any]]:
        """Return the user's uploads as the service lists them."""
        with self.service.client() as api:
            answer = api.get("/api/uploads", params={"user_id": self.user_id}).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["uploads"]
        return found

    def require_stored(self, key: str, file: Path) -> None:
        """Check the object, and that nothing else of this user is left."""
        self.require_content(key, file)
        self.require_nothing_open()

    def require_content(self, key: str, file: Path) -> None:
        assert self.bucket.download(key).body == file.read_bytes()

    def require_nothing_open(self) -> None:
        """Check that the user has no upload that takes parts, here or in the store."""
        assert {upload["status"] for upload in self.uploads()} <= {"completed", "aborted"}
        assert self.bucket.open_uploads(self.user_id) == []
        assert self.saved == []
