"""Deliver events to webhooks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import uuid4

from ..domain.upload_event import LoggedEvent
from ..domain.webhook import MAX_RETRIES, Webhook, WebhookState
from .ports import Delivery, EventRepository, SessionRepository, WebhookSender

BATCH: Final = 20
_AT_ONCE: Final = 8
# A batch takes 30 s at most: 20 events, 8 at once, 10 s each.
LEASE: Final = timedelta(seconds=60)
_JITTER: Final = (0.8, 1.2)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliverEvents:
    """Send the events of the log to webhooks, at least once, and in order for each upload.

    Any number of processes may deliver: for each webhook the holder of its lease does. The state is
    stored after each batch. If the process dies before, the batch is sent again after the lease,
    with the same ids.
    """

    sessions: SessionRepository
    events: EventRepository
    sender: WebhookSender

    async def __call__(self, webhook: Webhook) -> bool:
        """Send one batch. Return whether the next one may follow at once."""
        state = await self._take_lease(webhook)
        if state is None:
            return False
        batch = await self._read_batch(webhook, state)
        await self._send(webhook, batch)
        now = await self.sessions.now()
        after = state.delivered(batch.delivered, batch.cursor).postponed(batch.untried, now)
        if batch.failed:
            after = after.failed(batch.failed, now, random.uniform(*_JITTER))  # noqa: S311
        if batch.is_gone:
            _logger.warning("The webhook %s answered 410 and is disabled.", webhook.url)
            after = after.disabled(now)
        for sequence in {*after.dead} - {*state.dead}:
            _logger.error("Event %d was not delivered to %s: given up.", sequence, webhook.url)
        is_saved = await self.events.save_webhook(after.released())
        return is_saved and batch.may_continue and not after.is_paused(now)

    async def _take_lease(self, webhook: Webhook) -> WebhookState | None:
        """Return the state if there may be something to send and no other process is at it."""
        now = await self.sessions.now()
        state = await self.events.load_webhook(webhook.url)
        if state is None:
            # A new webhook gets what happens from now on.
            state = WebhookState(url=webhook.url, cursor=await self.events.last_sequence())
        elif state.is_paused(now) or state.is_leased(now):
            return None
        is_due = bool(state.due_retries(now)) or await self.events.read(state.cursor, 1)
        if state.version and not is_due:
            return None
        state = state.leased(uuid4().hex, now + LEASE)
        if not await self.events.save_webhook(state):
            return None
        return state.with_version(state.version + 1)

    async def _read_batch(self, webhook: Webhook, state: WebhookState) -> _Batch:
        # Of a webhook that has just failed, only one event finds out whether it answers again.
        size = 1 if state.failures else BATCH
        due = [retry.sequence for retry in state.due_retries(await self.sessions.now())][:size]
        retried = await self.events.get_many(due) if due else []
        batch = _Batch(cursor=state.cursor)
        # An event that is no longer in the log is not sent.
        batch.delivered |= {*due} - {logged.sequence for logged in retried}
        batch.add(sorted(retried, key=lambda logged: logged.sequence))
        room = size - len(due)
        if room and len(state.retries) < MAX_RETRIES:
            found = await self.events.read(state.cursor, room)
            waiting = {retry.upload_id for retry in state.retries}
            wanted = [logged for logged in found if logged.event.type in webhook.types]
            for logged in wanted:
                if logged.event.data.upload_id in waiting:
                    batch.untried[logged.sequence] = logged.event.data.upload_id
                else:
                    batch.add([logged])
            batch.cursor = found[-1].sequence if found else state.cursor
            batch.may_continue = len(found) == room
        batch.may_continue = batch.may_continue or bool(due)
        return batch

    async def _send(self, webhook: Webhook, batch: _Batch) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for chain in batch.chains.values():
                tasks.create_task(self._send_chain(webhook, batch, chain, slots))

    async def _send_chain(
        self,
        webhook: Webhook,
        batch: _Batch,
        chain: Sequence[LoggedEvent],
        slots: asyncio.Semaphore,
    ) -> None:
        """Send the events of one upload, until one fails; after a failure start no other."""
        for n, logged in enumerate(chain):
            async with slots:
                if not batch.failed and not batch.is_gone:
                    answer = await self.sender.send(webhook, logged.event)
                    if answer is Delivery.DELIVERED:
                        batch.delivered.add(logged.sequence)
                        continue
                    if answer is Delivery.FAILED:
                        batch.failed[logged.sequence] = logged.event.data.upload_id
                        batch.postpone(chain[n + 1 :])
                        return
                    batch.is_gone = True
            batch.postpone(chain[n:])
            return


@dataclass(slots=True)
class _Batch:
    """Events to send, in chains by upload, and what became of them, by sequence number."""

    cursor: int
    chains: dict[str, list[LoggedEvent]] = field(default_factory=dict)
    delivered: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    untried: dict[int, str] = field(default_factory=dict)
    is_gone: bool = False
    may_continue: bool = False

    def add(self, found: Sequence[LoggedEvent]) -> None:
        """Add events to the chains of their uploads."""
        for logged in found:
            self.chains.setdefault(logged.event.data.upload_id, []).append(logged)

    def postpone(self, rest: Sequence[LoggedEvent]) -> None:
        """Note events that were not tried."""
        self.untried.update((logged.sequence, logged.event.data.upload_id) for logged in rest)
