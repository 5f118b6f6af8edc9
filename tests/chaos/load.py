"""Many clients at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Final

from .client import Client
from .history import Told

CLIENTS: Final = 6


@dataclass(frozen=True, slots=True)
class Load:
    """Clients at work."""

    clients: Sequence[Client]
    working: Sequence[Future[None]]

    @property
    def told(self) -> list[Told]:
        return [told for client in self.clients for told in client.told]

    def require_well(self) -> None:
        """Raise what a client has met that no client need expect."""
        for work in self.working:
            if work.done():
                work.result()


@contextmanager
def under_load(
    seed: str, where: Callable[[], str], *, store_may_lose: bool = False
) -> Iterator[Load]:
    """Let clients upload; in the end each brings its last upload to its end."""
    enough = Event()
    clients = [
        Client(f"{seed}-{number}", where, store_may_lose=store_may_lose)
        for number in range(CLIENTS)
    ]
    with ThreadPoolExecutor(CLIENTS) as pool:
        load = Load(clients, [pool.submit(client.upload_until, enough) for client in clients])
        try:
            yield load
        finally:
            enough.set()
    load.require_well()
