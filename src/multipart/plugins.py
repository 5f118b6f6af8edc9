"""Adapters from installed packages, found by their entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

SESSION_REPOSITORIES: Final = "multipart_upload.session_repositories"
OBJECT_STORES: Final = "multipart_upload.object_stores"
_SETTINGS: Final = {SESSION_REPOSITORIES: "SESSION_REPOSITORY", OBJECT_STORES: "OBJECT_STORE"}


@dataclass(frozen=True, slots=True)
class InstalledAdapter:
    """An adapter that a package offers; `error` says why it cannot be used."""

    setting: str
    name: str
    package: str
    error: str | None


def list_adapters() -> Iterator[InstalledAdapter]:
    """Yield the adapters that installed packages offer, by setting and name."""
    for group, setting in sorted(_SETTINGS.items(), key=lambda item: item[1]):
        for found in sorted(entry_points(group=group), key=lambda entry: entry.name):
            yield InstalledAdapter(setting, found.name, _package(found), _import_error(found))


def _package(found: EntryPoint) -> str:
    return f"{found.dist.name} {found.dist.version}" if found.dist else ""


def _import_error(found: EntryPoint) -> str | None:
    try:
        found.load()
    except Exception as exc:  # noqa: BLE001  # a package of others can raise anything
        return f"cannot be imported: {exc}"
    return None


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
