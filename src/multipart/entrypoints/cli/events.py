"""`multipart-upload events`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click
import msgspec

from ...application.ports import EventRepository
from ...domain.upload_event import LoggedEvent
from ...domain.webhook import Webhook, WebhookState
from ...events import require_events
from ...settings import Settings
from ..terminal import escape_unprintable
from .database_work import work_on_database

_PAGE = 500


@dataclass(frozen=True, slots=True)
class _EventLog:
    events: EventRepository
    webhooks: tuple[Webhook, ...]


@asynccontextmanager
async def _open_log(settings: Settings) -> AsyncIterator[_EventLog]:
    async with require_events(settings)() as events:
        yield _EventLog(events, settings.webhooks)


@click.group()
def events() -> None:
    """List events, show webhooks, and send events to them again.

    The settings are those of `serve`, which collects and delivers the events.
    """


@events.command(name="list")
@click.option("--after", default=0, help="Only events after this number.", show_default=True)
@click.option("--limit", default=100, type=click.IntRange(1), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def list_events(*, after: int, limit: int, as_json: bool) -> None:
    """List events, oldest first."""

    async def read(log: _EventLog) -> list[LoggedEvent]:
        found: list[LoggedEvent] = []
        while len(found) < limit:
            last = found[-1].sequence if found else after
            page = await log.events.read(last, min(_PAGE, limit - len(found)))
            found += page
            if not page:
                break
        return found

    for logged in work_on_database(_open_log, read):
        if as_json:
            click.echo(msgspec.json.encode(logged).decode())
        else:
            event = logged.event
            shown = (
                f"{logged.sequence}  {event.timestamp:%Y-%m-%d %H:%M:%S}  {event.type}  "
                f"{event.data.upload_id}  {event.data.user_id}  {event.data.key}"
            )
            click.echo(escape_unprintable(shown))


@events.command()
def webhooks() -> None:
    """Show what each webhook has received."""

    async def read(log: _EventLog) -> list[str]:
        last = await log.events.last_sequence()
        states = [await log.events.load_webhook(webhook.url) for webhook in log.webhooks]
        return [
            _describe(webhook, state, last)
            for webhook, state in zip(log.webhooks, states, strict=True)
        ]

    for line in work_on_database(_open_log, read):
        click.echo(line)


@events.command()
@click.option("--after", required=True, type=click.IntRange(0), help="Number of an event.")
@click.option("--url", help="Only to this webhook.  [default: all]")
def replay(*, after: int, url: str | None) -> None:
    """Send all events after a number again, with the ids they had.

    A webhook that has answered 410 gets events again.
    """

    async def rewind(log: _EventLog) -> list[str]:
        chosen = [webhook.url for webhook in log.webhooks if url in (None, webhook.url)]
        for name in chosen:
            await _rewind(log.events, name, after)
        return chosen

    chosen = work_on_database(_open_log, rewind)
    if not chosen:
        msg = "no such webhook: set WEBHOOK_URL or WEBHOOKS_FILE"
        raise click.ClickException(msg)
    for name in chosen:
        click.echo(f"{name} gets the events after {after} again.")


async def _rewind(events: EventRepository, url: str, after: int) -> None:
    is_saved = False
    while not is_saved:  # a process that delivers may be faster
        state = await events.load_webhook(url) or WebhookState(url=url, cursor=after)
        is_saved = await events.save_webhook(state.replaying(after))


def _describe(webhook: Webhook, state: WebhookState | None, last: int) -> str:
    if state is None:
        return f"{webhook.url}: no events yet"
    facts = [f"sent up to {state.cursor} of {last}", f"{len(state.retries)} to retry"]
    if state.dead:
        facts.append(f"given up: {', '.join(map(str, state.dead[-20:]))}")
    if state.disabled_at is not None:
        facts.append(f"disabled since {state.disabled_at:%Y-%m-%d %H:%M} UTC")
    return f"{webhook.url}: {'; '.join(facts)}"
