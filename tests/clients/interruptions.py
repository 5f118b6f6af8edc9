"""Uploads that stop before their end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from multipart_upload_client import (
    NoAnswerError,
    RetryPolicy,
    UploadReference,
)
from tests.servers.s3_proxy import Forward, S3Request, blocked_until, cut_before

from .environment import Environment


@contextmanager
def part_held(environment: Environment, number: int) -> Iterator[threading.Event]:
    """Hold the PUTs of a part; the event is set when the first has arrived."""
    arrived, release = threading.Event(), threading.Event()

    async def hold(request: S3Request, forward: Forward) -> bytes:
        if int(request.query["partNumber"]) != number:
            return await forward()
        arrived.set()
        return await blocked_until(release)(request, forward)

    environment.store_proxy.faults["PUT"] = hold
    try:
        yield arrived
    finally:
        release.set()


async def interrupt(environment: Environment, file: Path) -> UploadReference:
    """Upload until the second part fails. Return the reference of the open upload."""

    async def refuse_second(request: S3Request, forward: Forward) -> bytes:
        fault = cut_before if request.query["partNumber"] == "2" else None
        return await (fault(request, forward) if fault else forward())

    environment.store_proxy.faults["PUT"] = refuse_second
    retry = RetryPolicy(attempts=2, sleep=environment.delays.sleep)
    async with environment.async_client(parallel=1, retry=retry) as client:
        with pytest.raises(NoAnswerError) as raised:
            await client.upload(file)
    assert raised.value.reference is not None
    return raised.value.reference
