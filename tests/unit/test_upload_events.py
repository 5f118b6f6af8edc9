"""Which changes of an upload cause which events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multipart_upload.domain.errors import FileTooLargeError, PartsRefusedError
from multipart_upload.domain.upload_event import UploadEvent
from multipart_upload.testing.memory import MemorySessionRepository

from .faults import RefusingStore, StoreAnswersLost
from .service import BODY, Service, SettableClock, reference_to


def events_of(service: Service) -> list[UploadEvent]:
    assert isinstance(service.sessions, MemorySessionRepository)
    return service.sessions.outbox


def types_of(service: Service) -> list[str]:
    return [event.type.value.removeprefix("upload.") for event in events_of(service)]


async def test_completed_upload(service: Service) -> None:
    session = await service.upload_whole()
    await service.complete(reference_to(session))
    assert types_of(service) == ["started", "completed"]
    started, completed = events_of(service)
    assert started.data.size == len(BODY)
    assert started.data.etag is None
    assert completed.data.etag
    assert completed.data.location
    assert completed.data.reason is None
    assert (completed.data.upload_id, completed.data.key) == (session.id, session.key)
    assert started.id != completed.id


async def test_repeated_requests_cause_no_further_events(service: Service) -> None:
    session = await service.upload_whole()
    for _ in range(2):
        await service.complete(reference_to(session))
    other = await service.start_session(5)
    for _ in range(2):
        await service.abort(reference_to(other))
    assert types_of(service) == ["started", "completed", "started", "aborted"]


async def test_size_that_was_not_declared_is_that_of_the_object(service: Service) -> None:
    session = await service.start_session()
    await service.upload(session)
    await service.complete(reference_to(session))
    assert [event.data.size for event in events_of(service)] == [None, len(BODY)]


async def test_expired_upload_tells_why(service: Service, clock: SettableClock) -> None:
    await service.start_session(5)
    clock.advance(days=20)
    await service.sweep()
    assert types_of(service) == ["started", "expired"]
    assert events_of(service)[1].data.reason == "idle"


async def test_lost_upload_is_reopened_and_not_started_again(service: Service) -> None:
    session = await service.upload_whole()
    lost = await service.lose_noticed(session)
    await service.sign(reference_to(lost), 1)
    assert types_of(service) == ["started", "reopened"]
    assert events_of(service)[1].data.reason == "parts-lost"


async def test_refused_complete_reopens(service: Service) -> None:
    session = await service.upload_whole()
    refusing = replace(service, store=RefusingStore(service.store))
    with pytest.raises(PartsRefusedError):
        await refusing.complete(reference_to(session))
    assert types_of(service) == ["started", "reopened"]
    assert events_of(service)[1].data.reason == "parts-refused"


async def test_upload_with_too_many_bytes_is_aborted_and_tells_why(service: Service) -> None:
    service = replace(service, policy=replace(service.policy, max_size=3))
    session = await service.start_session()
    await service.upload(session)
    with pytest.raises(FileTooLargeError):
        await service.complete(reference_to(session))
    assert types_of(service) == ["started", "aborted"]
    assert events_of(service)[1].data.reason == "file-too-large"


async def test_complete_whose_answer_was_lost_causes_one_event(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    losing = replace(service, store=StoreAnswersLost(service.store))
    with pytest.raises(Exception):  # noqa: B017, PT011  # unavailable
        await losing.complete(reference_to(session))
    clock.advance(hours=1)
    await service.sweep()
    assert types_of(service) == ["started", "completed"]
