"""Litestar dependencies: the use cases, by name."""

from __future__ import annotations

from litestar.di import Provide

from ...container import USE_CASES
from ..startup import OpenUseCases


def provide_use_cases(opened: OpenUseCases) -> dict[str, Provide]:
    """Provide every use case under its name in the container, and what the store can do."""
    cases = {name: _provide(name, opened) for name in USE_CASES}
    return {**cases, "store_capabilities": _provide_capabilities(opened)}


def provide(value: object) -> Provide:
    """Provide the same value to every request."""
    return Provide(lambda: value, sync_to_thread=False)


def _provide_capabilities(opened: OpenUseCases) -> Provide:
    return Provide(lambda: opened.get().store.capabilities, sync_to_thread=False)


def _provide(name: str, opened: OpenUseCases) -> Provide:
    # Not through the application's state, which would take longer than signing a part.
    def provide() -> object:
        return opened.get().by_name[name]

    return Provide(provide, sync_to_thread=False)
