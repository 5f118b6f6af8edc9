"""A bound on teardowns.

pytest-timeout raises once per test. asyncio then waits in the teardown for every task of the test
that it has interrupted, and one that does not end when cancelled would hold the run.
"""

import faulthandler
import os
from collections.abc import Generator
from typing import Final

import pytest

_STDERR: Final = pytest.StashKey[int]()
_SETTING: Final = "teardown_timeout"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(_SETTING, "seconds until a teardown that hangs ends the process")


def pytest_configure(config: pytest.Config) -> None:
    # Not captured yet: what is written to pytest's own file is lost with the process.
    config.stash[_STDERR] = os.dup(2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """End the process, after the stacks of its threads, when the teardown hangs."""
    seconds = float(item.config.getini(_SETTING))
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
