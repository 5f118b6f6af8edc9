"""Concurrent clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Final

from .client import Client
from .history import UploadHistory

CLIENTS: Final = 6


@dataclass(frozen=True, slots=True)
class Load:
    """Clients at work."""

    clients: Sequence[Client]
    working: Sequence[Future[None]]

    @property
    def histories(self) -> list[UploadHistory]:
        return [history for client in self.clients for history in client.histories]

    def raise_client_failures(self) -> None:
        """Raise the failure of a client, if one has failed."""
        for work in self.working:
            if work.done():
                work.result()


@contextmanager
def under_load(
    seed: str, where: Callable[[], str], *, store_may_lose: bool = False
) -> Iterator[Load]:
    """Run clients that upload; at exit, each finishes its last upload."""
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
    load.raise_client_failures()
