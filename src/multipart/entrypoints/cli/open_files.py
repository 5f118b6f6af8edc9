"""The limit of open files; each connection counts as one."""

from __future__ import annotations

import resource
from typing import Final

_OTHER_FILES: Final = 200
"""Connections to the database and S3, logs, files of the event loop."""


def allow_open_files(connections: int) -> None:
    """Raise the limit of this process as far as the system allows; its workers inherit it."""
    wanted = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
