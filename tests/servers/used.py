"""Which servers a run has used, said at its end, whichever of its processes has used them."""

from __future__ import annotations

from typing import Any, Final

import pytest

_USED: Final = pytest.StashKey[dict[str, None]]()
_HANDED_OVER: Final = "servers_used"


def note_used(config: pytest.Config, server: str) -> None:
    """Have the end of the run say that it used this server."""
    used = config.stash.setdefault(_USED, {})
    used[server] = None
    # Only a process that xdist has started has it.
    handed_over: dict[str, Any] = getattr(config, "workeroutput", {})
    handed_over[_HANDED_OVER] = list(used)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process that ends has used; one that crashed tells nothing."""
    for server in getattr(node, "workeroutput", {}).get(_HANDED_OVER, []):
        note_used(node.config, server)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which it was."""
    used: dict[str, None] = config.stash.get(_USED, {})
    for server in sorted(used):
        terminalreporter.write_line(server)
