"""What an orchestrator asks."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from ...application.check_readiness import CheckReadiness
from .problems.openapi import document_problems


class Health(Struct, frozen=True):
    """The service can do its work."""

    status: Annotated[str, Meta(description="Always `ok`.")] = "ok"


class HealthController(Controller):
    """Alive: the process answers. Ready: the database and the bucket do too."""

    path = "/health"
    tags = ("Health",)

    @get("/live", operation_id="live", summary="Is the process alive?")
    async def live(self) -> Health:
        """Answer without asking anything else."""
        return Health()

    @get(
        "/ready",
        operation_id="ready",
        summary="Is the service ready?",
        responses=document_problems(503),
    )
    async def ready(self, check_readiness: NamedDependency[CheckReadiness]) -> Health:
        """Ask the database and the bucket.

        A 503 names one that is away, a 500 one that refuses until a setting is changed: its member
        `reason` says why, such as `bucket-missing` or `authentication-failed`.
        """
        await check_readiness()
        return Health()
