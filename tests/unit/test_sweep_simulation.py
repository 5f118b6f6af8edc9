"""10,000 uploads, varied clients, wrong clocks and three sweeps: only idle uploads end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from multipart_upload.application.record_parts import RecordParts
from multipart_upload.application.session_cache import SessionCache
from multipart_upload.application.sweep.report import SweepOutcome
from multipart_upload.domain.session import SessionState, UploadSession

from .service import Service, SettableClock, new_service, reference_to

SESSIONS: Final = 10_000
SWEEPERS: Final = 3
EXPIRY: Final = timedelta(days=7)
STEP: Final = timedelta(hours=12)
STEPS: Final = 50
LONGEST_PAUSE: Final = EXPIRY - timedelta(hours=20)
"""Longest pause of a live client: recorded activity may lag by a tenth of the expiry."""


class Reporting(StrEnum):
    """Whether a client reports its parts."""

    REPORTS = "reports every part"
    SILENT = "reports no parts"
    BOTH = "reports some parts"


@dataclass
class Client:
    """Uploads parts at random times, then completes, aborts or vanishes."""

    session: UploadSession
    reporting: Reporting
    acts_until: datetime
    end: str
    acts_at: datetime
    last_seen: datetime
    part: int = 0
    ended: bool = False


@dataclass
class World:
    """The service and its clients; the clock of each replica may be wrong."""

    seed: int
    service: Service = field(default_factory=new_service)
    clients: list[Client] = field(default_factory=list)
    outcomes: Counter[SweepOutcome] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  # to repeat a run

    @property
    def now(self) -> datetime:
        return self.service.clock.now()

    async def add_client(self) -> None:
        session = await self.service.start_session(user_id=f"user-{self.random.randrange(100)}")
        stay = timedelta(hours=self.random.uniform(0, 20 * 24))
        self.clients.append(
            Client(
                session=session,
                reporting=self.random.choice(list(Reporting)),
                acts_until=self.now + stay,
                end=self.random.choice(["complete", "abort", "vanish"]),
                acts_at=self.now + self.pause(),
                last_seen=self.now,
            )
        )

    def pause(self) -> timedelta:
        return self.random.random() ** 2 * LONGEST_PAUSE

    async def act(self, client: Client) -> None:
        if self.now >= client.acts_until:
            await self.end_client(client)
            return
        client.part += 1
        etag = await self.service.put(client.session, client.part)
        reports = client.reporting is Reporting.REPORTS or (
            client.reporting is Reporting.BOTH and self.random.random() < 0.5
        )
        if reports:
            # The clock of a replica may be wrong by up to two days.
            clock = SettableClock()
            clock.time = self.now + timedelta(hours=self.random.uniform(-48, 48))
            cache = SessionCache(self.service.sessions)
            record_parts = RecordParts(cache, self.service.store, clock)
            await record_parts.record_one(reference_to(client.session), client.part, etag)
        client.last_seen = self.now
        client.acts_at = self.now + self.pause()

    async def end_client(self, client: Client) -> None:
        client.ended = True
        if client.end == "abort":
            await self.service.abort(reference_to(client.session))
        elif client.end == "complete" and client.part == 1:
            # Two parts would be refused, because they are under 5 MiB.
            await self.service.complete(reference_to(client.session))
        else:
            client.end = "vanish"

    async def sweep_concurrently(self) -> None:
        reports = await asyncio.gather(*(self.service.sweep() for _ in range(SWEEPERS)))
        for report in reports:
            assert report.is_complete
            assert not report.scan.orphaned_uploads
            self.outcomes += report.counts


async def test_no_live_upload_is_ended_and_no_stale_one_remains() -> None:
    world = World(seed=20260101)
    policy = replace(world.service.policy, expiry=EXPIRY, retention=timedelta(days=365))
    world.service = replace(world.service, policy=policy)
    for step in range(STEPS):
        for _ in range(SESSIONS // 40 if step < 40 else 0):
            await world.add_client()
        # A failover changes the clock of the repository.
        world.service.clock.time += STEP + timedelta(minutes=world.random.uniform(-20, 20))
        for client in world.clients:
            if not client.ended and world.now >= client.acts_at:
                # Raises if the sweep has ended the upload of an active client.
                await world.act(client)
        await world.sweep_concurrently()
    assert len(world.clients) == SESSIONS

    world.service.clock.time += 3 * EXPIRY
    for client in world.clients:
        client.ended = True
    await world.sweep_concurrently()
    rows = await world.service.sessions.get_many([client.session.id for client in world.clients])
    states = Counter(row.state for row in rows)
    assert set(states) == {SessionState.COMPLETED, SessionState.ABORTED, SessionState.EXPIRED}
    assert sum(states.values()) == SESSIONS
    assert (await world.service.bucket.scan_uploads("")).uploads == []
    # Every outcome was exercised.
    assert world.outcomes[SweepOutcome.EXPIRED] == states[SessionState.EXPIRED] > SESSIONS / 10
    assert world.outcomes[SweepOutcome.KEPT] > SESSIONS / 100
    assert states[SessionState.COMPLETED] > SESSIONS / 100
    assert not world.outcomes[SweepOutcome.FAILED]
