"""What an orchestrator asks."""

from __future__ import annotations

from litestar import Controller, get
from litestar.di import NamedDependency

from ...application.check_readiness import CheckReadiness
from .api.schemas import Health
from .openapi import problems


class HealthController(Controller):
    """Alive: the process answers. Ready: the database and the bucket do too."""

    path = "/health"
    tags = ("Health",)

    @get("/live", operation_id="live")
    async def live(self) -> Health:
        """Answer at all."""
        return Health()

    @get("/ready", operation_id="ready", responses=problems(503))
    async def ready(self, check_readiness: NamedDependency[CheckReadiness]) -> Health:
        """Ask the database and the bucket; 503 names one that is away."""
        await check_readiness()
        return Health()
