"""What the metrics count, and their documentation."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import Metric

from multipart_upload.adapters.content_detector import PuremagicDetector
from multipart_upload.application.abort_upload import AbortUpload
from multipart_upload.application.check_object import CheckObject
from multipart_upload.application.leases import LeaseBackoff, new_lease
from multipart_upload.application.observed_repository import ObservedRepository
from multipart_upload.application.open_store_upload import OpenStoreUpload
from multipart_upload.application.ports import SessionRepository
from multipart_upload.application.start_upload import StartUpload
from multipart_upload.domain.errors import (
    LeaseHeldError,
    SessionNotFoundError,
    StoreUploadGoneError,
)
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.metrics.collected import Metrics
from multipart_upload.metrics.observer import MetricsObserver
from multipart_upload.metrics.sessions import MeteredRepository
from multipart_upload.metrics.store import MeteredStore
from multipart_upload.testing.memory import MemoryObjectStore, MemorySessionRepository

from .service import IMPATIENT, SettableClock, new_upload

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "monitoring.md"
ROW: Final = re.compile(r"^\| `(multipart_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)


class Measured:
    """Use cases on measured in-memory adapters."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.clock = SettableClock()
        observer = MetricsObserver(self.metrics)
        metered = MeteredRepository(MemorySessionRepository(self.clock), self.metrics)
        self.sessions: SessionRepository = ObservedRepository(metered, observer)
        self.store = MeteredStore(MemoryObjectStore(self.clock), self.metrics)
        opening = OpenStoreUpload(self.sessions, self.store, IMPATIENT, observer)
        self.start = StartUpload(self.sessions, self.store, opening, IMPATIENT)
        content = CheckObject(self.store, IMPATIENT, PuremagicDetector())
        self.abort = AbortUpload(self.sessions, self.store, IMPATIENT, content, observer)

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def measured() -> Measured:
    return Measured()


def documented() -> dict[str, tuple[str, set[str]]]:
    rows = ROW.findall(PAGE.read_text())
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def sample_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_page_documents_every_metric_with_its_labels() -> None:
    metrics = Metrics()
    labels = {
        name: set(value._labelnames)  # noqa: SLF001  # no public name, and no sample before a value
        for value in vars(metrics).values()
        if hasattr(value, "_labelnames")
        for name in [sample_name(family) for family in value.describe()]
    }
    types = {sample_name(family): family.type for family in metrics.registry.collect()}

    assert documented() == {name: (types[name], labels[name]) for name in types}


async def test_transitions_are_counted_once_each(measured: Measured) -> None:
    session = await measured.start(new_upload())
    stale = await measured.sessions.get(session.id)
    await measured.sessions.save(stale.part_recorded(await measured.sessions.now()))
    again = await measured.sessions.get(session.id)
    # Activity without a change of state.
    await measured.sessions.save(again.part_recorded(await measured.sessions.now()))

    def count(from_state: str, to_state: str) -> float:
        labels = {"from_state": from_state, "to_state": to_state}
        return measured.value("multipart_transitions_total", **labels)

    assert count("new", "pending") == 1
    assert count("pending", "initiated") == 1
    assert count("initiated", "in-progress") == 1
    assert count("in-progress", "in-progress") == 0


async def test_takeover_is_counted_after_the_deadline(measured: Measured) -> None:
    session = await measured.start(new_upload())
    lease = await new_lease(measured.sessions, IMPATIENT.lease)
    await measured.sessions.save(session.aborting(lease.terms, lease.now))
    measured.clock.advance(seconds=IMPATIENT.lease.total_seconds() + 1)
    ended = await measured.abort.expire(await measured.sessions.get(session.id))

    assert ended.state is SessionState.ABORTED
    assert measured.value("multipart_lease_takeovers_total") == 1


async def test_calls_are_counted_by_outcome(measured: Measured) -> None:
    with pytest.raises(SessionNotFoundError):
        await measured.sessions.get("unknown")
    with pytest.raises(StoreUploadGoneError):
        await measured.store.list_parts("key", "unknown")

    name = "multipart_port_call_seconds_count"
    lost = {"operation": "get", "outcome": SessionNotFoundError.code}
    assert measured.value(name, port="session_repository", **lost) == 1
    gone = {"operation": "list_parts", "outcome": StoreUploadGoneError.code}
    assert measured.value(name, port="object_store", **gone) == 1


async def test_cancelled_call_is_an_outcome(measured: Measured) -> None:
    class Stalling(MemorySessionRepository):
        async def get(self, upload_id: str) -> UploadSession:
            await asyncio.Event().wait()
            return await super().get(upload_id)

    sessions = MeteredRepository(Stalling(measured.clock), measured.metrics)
    task = asyncio.create_task(sessions.get("any"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})

    cancelled = {"port": "session_repository", "operation": "get", "outcome": "cancelled"}
    assert measured.value("multipart_port_call_seconds_count", **cancelled) == 1


@pytest.mark.virtual_time
async def test_waiting_for_a_lease_is_counted_once(measured: Measured) -> None:
    backoff = LeaseBackoff(timedelta(seconds=5), MetricsObserver(measured.metrics))
    for _ in range(3):
        await backoff.pause(LeaseHeldError("completing", 1.0))

    assert measured.value("multipart_lease_waits_total") == 1
