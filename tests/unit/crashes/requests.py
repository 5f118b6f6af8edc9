"""What is asked of the service, again and again until there is an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from multipart_upload.application.ports import ObjectStore, SessionRepository
from multipart_upload.domain.errors import LeaseHeldError, UploadError
from tests.unit.service import Service

from .process import DyingProcess
from .world import World

Call: TypeAlias = Callable[[Service], Awaitable[object]]


def unhindered(service: Service) -> Service:
    return service


@dataclass(frozen=True, slots=True)
class Request:
    """A call, and what comes between this process and its ports while it is at it.

    Its answer holds nothing that differs from one world to the next. `late_answer` is the one of
    a client who comes back only after the sweep, where that is another.
    """

    call: Call
    hindered: Callable[[Service], Service] = unhindered
    late_answer: object = None

    async def answer(self, service: Service) -> object:
        """Give the answer, or the type of an error that is one."""
        try:
            return await self.call(service)
        except UploadError as error:
            return type(error)

    async def answer_to_patience(self, world: World) -> object:
        """Ask as a client does that is told to wait for somebody who has died."""
        answer = await self.answer(world.service)
        if answer is not LeaseHeldError:
            return answer
        world.service.clock.time += world.service.policy.lease
        return await self.answer(world.service)

    def as_seen_by(self, process: DyingProcess, service: Service) -> Service:
        """Give the service of a process that may die, hindered."""
        hindered = self.hindered(service)
        return replace(
            hindered,
            sessions=process.sessions(hindered.sessions),
            store=process.store(hindered.store),
        )


Scenario: TypeAlias = Callable[[World], Awaitable[Request]]
"""Prepares a world and gives the request in which a process is to die."""


def store_as(kind: Callable[[ObjectStore], ObjectStore]) -> Callable[[Service], Service]:
    """Put something between a process and the store."""
    return lambda service: replace(service, store=kind(service.store))


def sessions_as(
    kind: Callable[[SessionRepository], SessionRepository],
) -> Callable[[Service], Service]:
    """Put something between a process and the repository."""
    return lambda service: replace(service, sessions=kind(service.sessions))
