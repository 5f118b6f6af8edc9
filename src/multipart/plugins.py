"""Adapters from installed packages, found by their entry points."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import entry_points
from typing import Any, Final

SESSION_REPOSITORIES: Final = "multipart_upload.session_repositories"
OBJECT_STORES: Final = "multipart_upload.object_stores"
_SETTINGS: Final = {SESSION_REPOSITORIES: "SESSION_REPOSITORY", OBJECT_STORES: "OBJECT_STORE"}


def load_adapter(group: str, name: str) -> Callable[[], AbstractAsyncContextManager[Any]]:
    """Return the function that opens an adapter; it takes no arguments.

    Raise ValueError, naming the setting, if no installed package offers a usable one.
    """
    setting = _SETTINGS[group]
    offered = entry_points(group=group)
    if name not in offered.names:
        names = ", ".join(sorted(offered.names)) or "none"
        msg = f"{setting}: no installed package offers {name!r}; offered: {names}"
        raise ValueError(msg)
    found = offered[name]
    try:
        return found.load()  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as exc:
        msg = f"{setting}: {found.value} of {name!r} cannot be imported: {exc}"
        raise ValueError(msg) from exc
