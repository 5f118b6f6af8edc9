"""The route that lists events."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from ....application.list_events import ListEvents
from ....domain.principal import Principal, Scope
from ..parameters import ListedUserIdQuery
from ..responses import JsonResponse
from .decorators import query
from .event_schemas import EventAnswer, EventList

_After = Annotated[
    int,
    QueryParameter(
        ge=0,
        le=2**53 - 1,
        description="Only events after this one: `next_after` of the previous answer.",
        # Litestar ignores a bound of 0.
        schema_extra={"minimum": 0},
    ),
]
_Limit = Annotated[
    int, QueryParameter(ge=1, le=500, description="Largest number of events in the answer.")
]


class EventController(Controller):
    """The log of events."""

    path = "/api"
    tags = ("Reading",)
    response_class = JsonResponse

    @query(
        "/events",
        operation_id="listEvents",
        summary="List events",
        errors=(409, 422, 503),
    )
    async def events(
        self,
        principal: NamedDependency[Principal],
        list_events: NamedDependency[ListEvents],
        after: _After = 0,
        limit: _Limit = 100,
        user_id: ListedUserIdQuery = None,
    ) -> EventList:
        """List what has happened to uploads, oldest first, each event once.

        A backend that no webhook reaches asks again with `next_after`. Events are kept for
        RETENTION_SECONDS.
        """
        principal.require_all_uploads()
        owner = principal.resolve_owner(user_id, Scope.OPERATE)
        found = await list_events(after, limit, owner)
        events = [EventAnswer.of(logged) for logged in found]
        return EventList(events, found[-1].sequence if found else after)
