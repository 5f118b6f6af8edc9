"""How many files a process may have open; a connection is one."""

from __future__ import annotations

import resource
from typing import Final

_OTHER_FILES: Final = 200
"""Connections to the database and S3, logs, the event loop's own."""


def allow_open_files(connections: int) -> None:
    """Raise this process's own limit, which its workers inherit, as far as the system lets it."""
    wanted = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
