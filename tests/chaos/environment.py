"""A service with its database and its S3, each of which can be killed and restarted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Self

import httpx

from tests.e2e.service import Service, run_command, running_service
from tests.patience import wait_until

from .rows import Rows
from .storage import Storage

LEASE_SECONDS: Final = 3
SETTINGS: Final = {
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "WAIT_SECONDS": "10",
    "SWEEP_GRACE_SECONDS": "0",
    "LOG_LEVEL": "warning",
}


@dataclass(slots=True)
class Environment:
    """A service and its servers.

    `rows` reads the database directly. With `store_may_lose`, S3 itself may lose an open upload
    when it is killed.
    """

    folder: Path
    storage: Storage
    settings: Mapping[str, str]
    rows: Callable[[], Rows]
    store_may_lose: bool = False
    _running: ExitStack = field(default_factory=ExitStack)
    _services: list[Service] = field(default_factory=list)

    @contextmanager
    def serving(self, sweep_interval: int) -> Iterator[Self]:
        """Run the service; with an interval of 0 it does not sweep."""
        sweeping = {"SWEEP_INTERVAL_SECONDS": str(sweep_interval)}
        self.settings = {**SETTINGS, **self.storage.settings, **self.settings, **sweeping}
        with self._running:
            self.start_service()
            yield self

    @property
    def service(self) -> Service:
        """The service that was started last."""
        return self._services[-1]

    def where(self) -> str:
        return self.service.url

    def start_service(self) -> None:
        self._services.append(
            self._running.enter_context(
                running_service(self.folder, self.settings, port=self.storage.port)
            )
        )

    def kill_service(self) -> None:
        """Kill the service by SIGKILL."""
        self._running.close()

    def wait_until_ready(self) -> None:
        """Wait until the service reports database and S3 as reachable."""
        with self.service.client() as api:
            wait_until(partial(_is_ready, api), "ready again")

    def sweep_once(self) -> str:
        """Run `sweep --once`, after the leases of killed processes have expired."""
        time.sleep(LEASE_SECONDS)
        swept = run_command(self.folder, self.settings, "sweep", "--once")
        assert swept.returncode == 0, f"{swept.stdout}{swept.stderr}"
        return swept.stdout


def _is_ready(api: httpx.Client) -> bool:
    return api.get("/health/ready").is_success
