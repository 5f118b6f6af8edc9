"""Health checks for orchestrators."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from ...application.check_readiness import CheckReadiness
from .problems.openapi import document_problems


class Health(Struct, frozen=True):
    """The process is alive, or the service is ready."""

    status: Annotated[str, Meta(description="Always `ok`.")] = "ok"


class HealthController(Controller):
    """Live: the process answers. Ready: the database and the bucket answer as well."""

    path = "/health"
    tags = ("Health",)

    @get("/live", operation_id="live", summary="Is the process alive?")
    async def live(self) -> Health:
        """Answer without a call of the database or S3."""
        return Health()

    @get(
        "/ready",
        operation_id="ready",
        summary="Is the service ready?",
        responses=document_problems(503),
    )
    async def ready(self, check_readiness: NamedDependency[CheckReadiness]) -> Health:
        """Check that the database and the bucket answer.

        A 503 names the one that is unavailable. A 500 names the one that needs a change of
        settings; its member `reason` says why, such as `bucket-missing` or
        `authentication-failed`.
        """
        await check_readiness()
        return Health()
