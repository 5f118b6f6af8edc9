"""Requests to the service, which can be repeated after a fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from multipart_upload.application.ports import ObjectStore, SessionRepository
from multipart_upload.domain.errors import LeaseHeldError, UploadError
from tests.unit.service import Service

from .process import FaultyProcess
from .world import World

Call: TypeAlias = Callable[[Service], Awaitable[object]]


def leave_ports_unwrapped(service: Service) -> Service:
    return service


@dataclass(frozen=True, slots=True)
class Request:
    """A call of the service, and what is placed between the calling process and its ports.

    The answer holds nothing that differs between worlds, so that answers can be compared.
    `late_answer` is what a client may get instead when it retries only after the sweep.
    """

    call: Call
    wrap_ports: Callable[[Service], Service] = leave_ports_unwrapped
    late_answer: object = None

    async def answer(self, service: Service) -> object:
        """Return the answer, or the type of the error raised."""
        try:
            return await self.call(service)
        except UploadError as error:
            return type(error)

    async def answer_with_retry(self, world: World) -> object:
        """Retry once after the lease of a crashed process has run out."""
        answer = await self.answer(world.service)
        if answer is not LeaseHeldError:
            return answer
        world.service.clock.time += world.service.policy.lease
        return await self.answer(world.service)

    def inject_faults(self, process: FaultyProcess, service: Service) -> Service:
        """Return the service as the process uses it: ports wrapped, and the fault injected."""
        wrapped = self.wrap_ports(service)
        return replace(
            wrapped,
            sessions=process.wrap_sessions(wrapped.sessions),
            store=process.wrap_store(wrapped.store),
            events=wrapped.events and process.wrap_events(wrapped.events),
            quotas=wrapped.quotas and process.wrap_quotas(wrapped.quotas),
        )


Scenario: TypeAlias = Callable[[World], Awaitable[Request]]
"""Prepares a world and returns the request during which a fault is injected."""


def wrap_store(wrapper: Callable[[ObjectStore], ObjectStore]) -> Callable[[Service], Service]:
    """Wrap the store that a process uses."""
    return lambda service: replace(service, store=wrapper(service.store))


def wrap_sessions(
    wrapper: Callable[[SessionRepository], SessionRepository],
) -> Callable[[Service], Service]:
    """Wrap the repository that a process uses."""
    return lambda service: replace(service, sessions=wrapper(service.sessions))
