"""The use cases on real servers, with a clock that tests can advance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx

from multipart_upload.adapters.mongo import open_mongo_sessions
from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.adapters.sql import open_sql_sessions
from multipart_upload.application.ports import (
    ForwardingRepository,
    ObjectStore,
    SessionRepository,
    SignedPart,
)
from multipart_upload.domain.policy import UploadPolicy
from multipart_upload.testing.memory import MemoryObjectStore
from tests.patience import PATIENCE_SECONDS
from tests.unit.proxies import StoreProxy
from tests.unit.service import Service, SettableClock


class ShiftedClock(SettableClock):
    """A running clock, shifted from the real time."""

    def __init__(self, shift: timedelta = timedelta(0)) -> None:
        self.shift = shift

    @property
    def time(self) -> datetime:
        now = datetime.now(UTC) + self.shift
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    @time.setter
    def time(self, time: datetime) -> None:
        self.shift = time - datetime.now(UTC)


class ShiftedRepository(ForwardingRepository):
    """Shift the time of the database."""

    def __init__(self, sessions: SessionRepository, clock: ShiftedClock) -> None:
        super().__init__(sessions)
        self.clock = clock

    async def now(self) -> datetime:
        return await super().now() + self.clock.shift


class HttpBucket(StoreProxy):
    """A bucket that receives parts over HTTP."""

    def __init__(self, store: ObjectStore, http: httpx.AsyncClient) -> None:
        super().__init__(store)
        self.http = http

    async def put(self, signed: SignedPart, body: bytes) -> str:
        answer = await self.http.put(signed.url, content=body, headers=dict(signed.headers))
        return answer.raise_for_status().headers["ETag"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The database, bucket and policy of a service."""

    database: str
    s3: S3Config
    policy: UploadPolicy


@asynccontextmanager
async def open_bucket(s3: S3Config) -> AsyncIterator[HttpBucket]:
    # The servers speak plain HTTP, and loading certificates takes longer than most tests.
    async with (
        open_s3_store(s3) as store,
        httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS, verify=False) as http,  # noqa: S501
    ):
        yield HttpBucket(store, http)


@asynccontextmanager
async def open_service(
    location: Location, bucket: HttpBucket, clock: ShiftedClock
) -> AsyncIterator[Service]:
    async with _open_sessions(location.database) as sessions:
        yield Service(
            sessions=ShiftedRepository(sessions, clock),
            store=bucket.store,
            # It has every method of a bucket that the scenarios use.
            bucket=cast("MemoryObjectStore", bucket),
            clock=clock,
            policy=location.policy,
        )


def _open_sessions(url: str) -> AbstractAsyncContextManager[SessionRepository]:
    is_mongo = url.startswith("mongodb")
    return open_mongo_sessions(url) if is_mongo else open_sql_sessions(url)
