"""Scenarios that collect events, deliver them, and list them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from multipart_upload.application.collect_events import CollectEvents
from multipart_upload.application.deliver_events import DeliverEvents
from multipart_upload.application.list_events import ListEvents
from multipart_upload.application.ports import Delivery, EventRepository
from multipart_upload.domain.upload_event import UploadEvent
from multipart_upload.domain.webhook import Webhook
from multipart_upload.testing.memory import MemoryEventRepository, MemorySessionRepository
from tests.unit.service import BODY, Service, reference_to

from .requests import Request
from .world import World

HOOK: Final = Webhook(url="https://backend.example.org/hook", secrets=("whsec_x",))


class _Receiver:
    def __init__(self, answer: Delivery = Delivery.DELIVERED) -> None:
        self.answer = answer

    async def send(self, _webhook: Webhook, _event: UploadEvent) -> Delivery:
        return self.answer


async def collect_events(world: World) -> Request:
    await _cause_events(world)
    return Request(_collect)


async def deliver_events_to_a_new_webhook(world: World) -> Request:
    await _cause_events(world)
    await _collect(world.service)
    return Request(_deliver)


async def deliver_events(world: World) -> Request:
    await _cause_events(world)
    await _deliver(world.service)
    await _collect(world.service)
    return Request(_deliver)


async def deliver_an_event_again(world: World) -> Request:
    await _cause_events(world)
    await _deliver(world.service)
    await _collect(world.service)
    service = world.service
    await DeliverEvents(service.sessions, _log(service), _Receiver(Delivery.FAILED))(HOOK)
    world.service.clock.advance(minutes=1)
    return Request(_deliver)


async def list_all_events(world: World) -> Request:
    await _cause_events(world)
    await _collect(world.service)
    return Request(_list)


async def _cause_events(world: World) -> None:
    assert isinstance(world.service.sessions, MemorySessionRepository)
    world.service = replace(world.service, events=MemoryEventRepository(world.service.sessions))
    await world.service.complete(reference_to(await world.start_and_upload(len(BODY))))


async def _collect(service: Service) -> object:
    collect = CollectEvents(service.sessions, _log(service), service.policy)
    await collect()
    await collect.purge()
    return None


async def _deliver(service: Service) -> object:
    await DeliverEvents(service.sessions, _log(service), _Receiver())(HOOK)
    return None


async def _list(service: Service) -> object:
    return len(await ListEvents(service.events)(0, 10, None))


def _log(service: Service) -> EventRepository:
    assert service.events is not None
    return service.events
