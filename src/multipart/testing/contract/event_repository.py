"""The promises of the event port, and of the session repository that feeds it.

class TestMyEvents(EventRepositoryContract):
    @pytest_asyncio.fixture
    async def events(self) -> AsyncIterator[EventPorts]:
        async with open_my_sessions(...) as sessions, open_my_events(...) as events:
            yield EventPorts(sessions, events)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from ...application.ports import EventRepository, SessionRepository
from ...domain.errors import StaleSessionError
from ...domain.session import Lease, UploadSession
from ...domain.session_event import EventType, SessionEvent
from ...domain.upload_event import LoggedEvent, event_of
from ...domain.webhook import Retry, WebhookState
from .patience import repeat_while_unavailable
from .sample_sessions import MILLISECOND, NOW, full_session, sample_session

URL = "https://backend.example.org/hooks?a=$b.c"
LEASE = Lease("worker-1", NOW + timedelta(seconds=20))
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EventPorts:
    """Two repositories on one database."""

    sessions: SessionRepository
    log: EventRepository

    async def start(self, upload_id: str = "u1", **fields: object) -> UploadSession:
        """Store a session with one event."""
        new = replace(sample_session(upload_id), **fields)  # type: ignore[arg-type]
        await self.sessions.add(new)
        return await self.sessions.save(new.initiated("2~a", NOW))

    async def end(self, session: UploadSession, at: timedelta = MILLISECOND) -> UploadSession:
        """Store the end of a session, with another event."""
        aborting = await self.sessions.save(session.aborting(LEASE, NOW))
        return await self.sessions.save(aborting.ended(NOW + at, DAY))

    async def all_of_log(self) -> list[LoggedEvent]:
        return await self.log.read(0, 1000)


def ids(found: list[LoggedEvent]) -> list[str]:
    """Return the upload and the type of each event."""
    return [f"{logged.event.data.upload_id} {logged.event.type}" for logged in found]


@pytest.mark.asyncio
class EventRepositoryContract:
    """A subclass provides the fixture `events`, open and empty."""

    @pytest.fixture
    def events(self) -> EventPorts:
        """Provide the repositories under test."""
        raise NotImplementedError

    async def test_events_of_an_upload_are_collected_in_order(self, events: EventPorts) -> None:
        await events.end(await events.start())
        assert await events.all_of_log() == []
        assert await events.log.collect(10) == 2
        found = await events.all_of_log()
        assert [logged.sequence for logged in found] == [1, 2]
        assert ids(found) == ["u1 upload.started", "u1 upload.aborted"]
        assert await events.log.last_sequence() == 2
        assert await events.log.collect(10) == 0

    async def test_every_field_of_an_event_is_kept(self, events: EventPorts) -> None:
        session = replace(full_session(), state=sample_session().state, store_upload_id=None)
        session = replace(session, lease=None)
        await events.sessions.add(session)
        saved = await events.sessions.save(session.initiated("2~a", NOW))
        assert await events.log.collect(10) == 1
        (logged,) = await events.all_of_log()
        assert logged.event == event_of(replace(saved, event=SessionEvent(EventType.STARTED, NOW)))

    async def test_change_without_an_event_stores_none(self, events: EventPorts) -> None:
        session = await events.start()
        await events.sessions.save(session.part_recorded(NOW))
        assert await events.log.collect(10) == 1

    async def test_change_that_fails_stores_no_event(self, events: EventPorts) -> None:
        session = await events.start()
        aborting = await events.sessions.save(session.aborting(LEASE, NOW))
        await events.sessions.save(aborting.lease_renewed(NOW + DAY))
        with pytest.raises(StaleSessionError):
            await events.sessions.save(aborting.ended(NOW, DAY))
        await events.log.collect(10)
        assert ids(await events.all_of_log()) == ["u1 upload.started"]

    async def test_uploads_are_collected_by_time(self, events: EventPorts) -> None:
        first = await events.start("u1")
        second = await events.start("u2")
        await events.log.collect(10)
        await events.end(first, at=2 * MILLISECOND)
        await events.end(second, at=MILLISECOND)
        await events.log.collect(10)
        assert ids(await events.log.read(2, 10)) == ["u2 upload.aborted", "u1 upload.aborted"]

    async def test_log_is_read_in_pages_and_by_user(self, events: EventPorts) -> None:
        for n in range(5):
            await events.start(f"u{n}", user_id=f"user-{n % 2}")
        while await events.log.collect(2):
            pass
        found = await events.all_of_log()
        assert [logged.sequence for logged in found] == [1, 2, 3, 4, 5]
        assert await events.log.read(2, 2) == found[2:4]
        of_user = await events.log.read(0, 2, "user-0")
        assert [logged.event.data.user_id for logged in of_user] == ["user-0", "user-0"]
        assert await events.log.read(0, 2, "eve") == []
        some = await events.log.get_many([2, 4, 9])
        assert sorted(logged.sequence for logged in some) == [2, 4]
        assert await events.log.read(5, 10) == []

    async def test_racing_collectors_number_each_event_once(self, events: EventPorts) -> None:
        for n in range(20):
            session = await events.start(f"u{n}")
            if n % 2:
                await events.end(session)

        async def collect() -> None:
            while await repeat_while_unavailable(lambda: events.log.collect(3)):
                pass

        await asyncio.gather(*(collect() for _ in range(5)))
        await collect()
        found = await events.all_of_log()
        assert [logged.sequence for logged in found] == [*range(1, 31)]
        assert len({logged.event.id for logged in found}) == 30
        for n in range(20):
            of_upload = [logged for logged in found if logged.event.data.upload_id == f"u{n}"]
            types = [EventType.STARTED, EventType.ABORTED][: len(of_upload)]
            assert [logged.event.type for logged in of_upload] == types

    async def test_event_outlives_its_session(self, events: EventPorts) -> None:
        await events.end(await events.start())
        await events.log.collect(10)
        while await events.sessions.purge_sessions(NOW + 2 * DAY, 10):
            pass
        assert ids(await events.all_of_log()) == ["u1 upload.started", "u1 upload.aborted"]

    async def test_numbers_go_on_after_old_events_are_purged(self, events: EventPorts) -> None:
        for n in range(3):
            await events.start(f"u{n}")
        await events.log.collect(10)
        assert await events.log.purge(NOW) == 0
        assert await events.log.purge(NOW + MILLISECOND) == 2
        await events.start("u3")
        await events.log.collect(10)
        assert [logged.sequence for logged in await events.all_of_log()] == [3, 4]

    async def test_state_of_a_webhook_is_compared_and_set(self, events: EventPorts) -> None:
        retry = Retry(sequence=5, upload_id="u1", attempts=2, next_at=NOW)
        new = WebhookState(
            url=URL,
            cursor=7,
            retries=(retry,),
            dead=(3,),
            failures=2,
            paused_until=NOW,
            disabled_at=NOW,
            holder="a",
            deadline=NOW,
        )
        assert await events.log.load_webhook(URL) is None
        assert await events.log.save_webhook(new)
        assert not await events.log.save_webhook(new)
        stored = await events.log.load_webhook(URL)
        assert stored == replace(new, version=1)
        assert await events.log.save_webhook(replace(stored, cursor=8))
        assert not await events.log.save_webhook(replace(stored, cursor=9))
        assert await events.log.load_webhook(URL) == replace(new, cursor=8, version=2)

    async def test_of_racing_saves_of_a_webhook_one_succeeds(self, events: EventPorts) -> None:
        for version in (0, 1):
            states = [WebhookState(url=URL, cursor=n, version=version) for n in range(10)]
            saved = await asyncio.gather(*map(events.log.save_webhook, states))
            assert sum(saved) == 1
            stored = await events.log.load_webhook(URL)
            assert stored == replace(states[saved.index(True)], version=version + 1)
