"""Open the log of events, and what sends events to webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from .application.collect_events import CollectEvents
from .application.deliver_events import DeliverEvents
from .application.ports import EventRepository, SessionRepository, WebhookSender
from .domain.policy import UploadPolicy
from .session_database import choose_database
from .settings import Settings


@asynccontextmanager
async def open_events(settings: Settings) -> AsyncIterator[EventRepository | None]:
    """Open the events of the session database; None if it stores none, or is none of ours."""
    try:
        open_them = choose_database(settings).open_events
    except ValueError:
        # No database is chosen where an adapter overrides the port.
        open_them = None
    if open_them is None:
        yield None
        return
    async with open_them() as events:
        yield events


def require_events(
    settings: Settings,
) -> Callable[[], AbstractAsyncContextManager[EventRepository]]:
    """Return what opens the events. Raise ValueError if the database stores none."""
    open_them = choose_database(settings).open_events
    if open_them is None:
        msg = (
            "WEBHOOK_URL and WEBHOOKS_FILE need MONGO_URI or DATABASE_URL, because "
            "SESSION_REPOSITORY stores no events"
        )
        raise ValueError(msg)
    return open_them


@asynccontextmanager
async def open_sender(settings: Settings) -> AsyncIterator[WebhookSender | None]:
    """Open the connections to webhooks; None without any webhook."""
    if not settings.webhooks:
        yield None
        return
    from .adapters.webhooks import open_webhook_sender

    async with open_webhook_sender() as sender:
        yield sender


def create_collector(
    sessions: SessionRepository, events: EventRepository | None, policy: UploadPolicy
) -> CollectEvents | None:
    """Return what collects events; None if there are none."""
    return None if events is None else CollectEvents(sessions, events, policy)


def create_deliverer(
    sessions: SessionRepository, events: EventRepository | None, sender: WebhookSender | None
) -> DeliverEvents | None:
    """Return what delivers events; None without webhooks."""
    if events is None or sender is None:
        return None
    return DeliverEvents(sessions, events, sender)
