"""A timeout for teardowns.

pytest-timeout raises only once per test. In the teardown asyncio then waits for all tasks of the
interrupted test, and a task that ignores cancellation would block the run.
"""

import faulthandler
import os
from collections.abc import Generator
from typing import Final

import pytest

_STDERR: Final = pytest.StashKey[int]()
_SETTING: Final = "teardown_timeout"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(_SETTING, "seconds after which a hanging teardown ends the process")


def pytest_configure(config: pytest.Config) -> None:
    # Captured output is lost when the process exits, so keep the real stderr.
    config.stash[_STDERR] = os.dup(2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Dump the stacks of all threads and end the process if the teardown hangs."""
    seconds = float(item.config.getini(_SETTING))
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
