"""Events reach webhooks at least once, in order for each upload, whatever the receiver does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import pytest

from multipart_upload.application.deliver_events import BATCH, LEASE, DeliverEvents
from multipart_upload.application.ports import Delivery
from multipart_upload.domain.session_event import EventType
from multipart_upload.domain.upload_event import UploadEvent
from multipart_upload.domain.webhook import RETRY_AFTER, Webhook, WebhookState
from multipart_upload.testing.memory import MemoryEventRepository, MemorySessionRepository

from .service import Service, SettableClock, reference_to

HOOK: Final = Webhook(url="https://backend.example.org/hook", secrets=("whsec_x",))
HOUR: Final = 3600


@dataclass
class Receiver:
    """A webhook that answers as a test wants, and keeps what it has accepted."""

    answer: Callable[[UploadEvent], Delivery] = lambda _: Delivery.DELIVERED
    accepted: list[UploadEvent] = field(default_factory=list)
    tried: list[UploadEvent] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def send(self, _: Webhook, event: UploadEvent) -> Delivery:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.tried.append(event)
        answer = self.answer(event)
        if answer is Delivery.DELIVERED:
            self.accepted.append(event)
        return answer

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.accepted]


@dataclass
class World:
    """A service, its log of events, and one webhook."""

    service: Service
    log: MemoryEventRepository
    receiver: Receiver = field(default_factory=Receiver)

    @property
    def deliver(self) -> DeliverEvents:
        return DeliverEvents(self.service.sessions, self.log, self.receiver)

    async def subscribe(self, webhook: Webhook = HOOK) -> None:
        """Have the webhook know where the log is now."""
        await self.deliver(webhook)

    async def cause_events(self, uploads: int = 1) -> None:
        """Start and abort uploads: two events for each."""
        for _ in range(uploads):
            session = await self.service.start_session(5)
            await self.service.abort(reference_to(session))
        await self.collect()

    async def add_events(self, count: int) -> None:
        """Add events of as many uploads to the log."""
        await self.cause_events()
        model = (await self.log.read(0, 1))[0].event
        assert isinstance(self.service.sessions, MemorySessionRepository)
        self.service.sessions.outbox += [
            replace(model, id=f"e{n}", data=replace(model.data, upload_id=f"u{n}"))
            for n in range(count)
        ]
        await self.collect()

    async def collect(self) -> None:
        while await self.log.collect(100):
            pass

    async def drain(self, webhook: Webhook = HOOK) -> None:
        """Send until nothing is due now."""
        while await self.deliver(webhook):
            pass

    async def drain_for(self, seconds: float, step: float = 30) -> None:
        """Send whatever becomes due within a time."""
        passed = 0.0
        while passed < seconds:
            await self.drain()
            self.service.clock.advance(seconds=step)
            passed += step

    async def state(self) -> WebhookState:
        state = await self.log.load_webhook(HOOK.url)
        assert state is not None
        return state

    async def require_all_arrived_in_order(self) -> None:
        logged = [entry.event for entry in await self.log.read(0, 100_000)]
        assert Counter(self.receiver.ids) == Counter(event.id for event in logged)
        for upload_id in {event.data.upload_id for event in logged}:
            sent = [event for event in logged if event.data.upload_id == upload_id]
            assert [e for e in self.receiver.accepted if e.data.upload_id == upload_id] == sent


@pytest.fixture
async def world(service: Service) -> World:
    assert isinstance(service.sessions, MemorySessionRepository)
    world = World(service, MemoryEventRepository(service.sessions))
    await world.subscribe()
    return world


async def test_every_event_arrives_once_and_in_order(world: World) -> None:
    await world.cause_events(uploads=60)
    await world.drain()
    await world.require_all_arrived_in_order()
    assert 1 < world.receiver.most_at_once <= 8
    assert not await world.deliver(HOOK)


async def test_new_webhook_gets_what_happens_from_now_on(world: World) -> None:
    await world.cause_events()
    other = replace(HOOK, url="https://other.example.org/")
    await world.subscribe(other)
    assert world.receiver.accepted == []
    await world.cause_events()
    await world.drain(other)
    assert len(world.receiver.accepted) == 2


async def test_webhook_gets_only_the_types_that_it_wants(world: World) -> None:
    await world.cause_events(uploads=3)
    await world.drain(replace(HOOK, types=frozenset({EventType.ABORTED})))
    assert {event.type for event in world.receiver.accepted} == {EventType.ABORTED}
    assert len(world.receiver.accepted) == 3


async def test_10_000_events_are_sent_a_few_at_a_time(world: World) -> None:
    await world.add_events(10_000)
    await world.drain()
    logged = [entry.event.id for entry in await world.log.read(0, 20_000)]
    assert sorted(world.receiver.ids) == sorted(logged)
    assert world.receiver.most_at_once <= BATCH
    assert (await world.state()).retries == ()


async def test_receiver_that_is_down_for_an_hour_misses_nothing(world: World) -> None:
    world.receiver.answer = lambda _: Delivery.FAILED
    await world.cause_events(uploads=50)
    await world.drain_for(HOUR)
    # It is asked with one event at a time, and more and more rarely.
    assert len(world.receiver.tried) < 100
    world.receiver.answer = lambda _: Delivery.DELIVERED
    await world.drain_for(4 * HOUR)
    await world.require_all_arrived_in_order()
    state = await world.state()
    assert (state.retries, state.dead, state.failures) == ((), (), 0)


async def test_event_that_is_always_refused_holds_up_its_own_upload_only(world: World) -> None:
    await world.cause_events(uploads=10)
    poison = (await world.log.read(0, 1))[0].event.data.upload_id
    world.receiver.answer = lambda event: (
        Delivery.FAILED if event.data.upload_id == poison else Delivery.DELIVERED
    )
    await world.drain_for(HOUR)
    assert len(world.receiver.accepted) == 18
    waiting = [retry.upload_id for retry in (await world.state()).retries]
    assert waiting == [poison, poison]


async def test_event_is_given_up_after_days(world: World) -> None:
    await world.cause_events()
    refused = (await world.log.read(0, 1))[0]
    world.receiver.answer = lambda event: (
        Delivery.FAILED if event == refused.event else Delivery.DELIVERED
    )
    days = sum(RETRY_AFTER, timedelta()) / timedelta(seconds=1)
    await world.drain_for(days / 2, step=600)
    assert (await world.state()).dead == ()
    await world.drain_for(days, step=600)
    state = await world.state()
    assert (state.dead, state.retries) == ((refused.sequence,), ())
    assert len(world.receiver.accepted) == 1
    assert world.receiver.tried.count(refused.event) == len(RETRY_AFTER) + 1


async def test_webhook_that_is_gone_is_called_no_more_until_replayed(world: World) -> None:
    world.receiver.answer = lambda _: Delivery.GONE
    await world.cause_events(uploads=5)
    await world.drain_for(HOUR)
    tried = len(world.receiver.tried)
    assert 1 <= tried <= 8
    world.receiver.answer = lambda _: Delivery.DELIVERED
    await world.drain_for(HOUR)
    assert len(world.receiver.tried) == tried

    assert await world.log.save_webhook((await world.state()).replaying(0))
    await world.drain()

    await world.require_all_arrived_in_order()


async def test_events_are_sent_again_by_a_replay_with_the_same_ids(world: World) -> None:
    await world.cause_events(uploads=3)
    await world.drain()
    assert await world.log.save_webhook((await world.state()).replaying(2))
    await world.drain()
    assert len(world.receiver.accepted) == 6 + 4
    assert len({*world.receiver.ids}) == 6


async def test_one_process_at_a_time_delivers(world: World) -> None:
    await world.cause_events(uploads=40)
    await asyncio.gather(*(world.drain() for _ in range(5)))
    await world.drain()
    await world.require_all_arrived_in_order()


class _Killed(BaseException):
    pass


async def test_process_killed_in_a_batch_loses_nothing(world: World, clock: SettableClock) -> None:
    await world.cause_events(uploads=4)

    def die_after_two(_: UploadEvent) -> Delivery:
        if len(world.receiver.accepted) == 2:
            raise _Killed
        return Delivery.DELIVERED

    world.receiver.answer = die_after_two
    with pytest.raises(BaseException):  # noqa: B017, PT011  # a group of them
        await world.drain()
    world.receiver.answer = lambda _: Delivery.DELIVERED
    await world.drain()
    assert len(world.receiver.accepted) == 2, "the lease has not ended"
    clock.advance(seconds=LEASE.total_seconds())
    await world.drain()

    logged = {entry.event.id for entry in await world.log.read(0, 100)}
    assert {*world.receiver.ids} == logged
    assert len(world.receiver.accepted) == 8 + 2


async def test_state_that_another_process_has_changed_is_not_overwritten(world: World) -> None:
    await world.cause_events()

    def replay_meanwhile(_: UploadEvent) -> Delivery:
        state = world.log._webhooks[HOOK.url]  # noqa: SLF001
        world.log._webhooks[HOOK.url] = replace(  # noqa: SLF001
            state.replaying(0), version=state.version + 1
        )
        world.receiver.answer = lambda _: Delivery.DELIVERED
        return Delivery.DELIVERED

    world.receiver.answer = replay_meanwhile
    assert not await world.deliver(HOOK)
    await world.drain()
    assert len(world.receiver.accepted) == 4


async def test_state_stays_small_while_a_receiver_is_down(world: World) -> None:
    world.receiver.answer = lambda _: Delivery.FAILED
    await world.add_events(3_000)
    await world.drain_for(2 * 24 * HOUR, step=60)
    assert len((await world.state()).retries) <= 2_000 + BATCH
