"""List the servers that a test run used, across all its processes."""

from __future__ import annotations

from typing import Any, Final

import pytest

_USED: Final = pytest.StashKey[dict[str, None]]()
_HANDED_OVER: Final = "servers_used"


def note_used(config: pytest.Config, server: str) -> None:
    """Add a server to the summary of the run."""
    used = config.stash.setdefault(_USED, {})
    used[server] = None
    # Only worker processes of xdist have `workeroutput`.
    handed_over: dict[str, Any] = getattr(config, "workeroutput", {})
    handed_over[_HANDED_OVER] = list(used)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect the servers of a worker that ends; a crashed worker reports none."""
    for server in getattr(node, "workeroutput", {}).get(_HANDED_OVER, []):
        note_used(node.config, server)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the servers used."""
    used: dict[str, None] = config.stash.get(_USED, {})
    for server in sorted(used):
        terminalreporter.write_line(server)
