"""Hand the use cases to the controllers."""

from __future__ import annotations

from litestar.di import Provide

from ...container import USE_CASES
from ..startup import OpenUseCases


def use_case_dependencies(opened: OpenUseCases) -> dict[str, Provide]:
    """Provide every use case under its name in the container."""
    return {name: _provide(name, opened) for name in USE_CASES}


def provide(value: object) -> Provide:
    """Provide the same value to every request."""
    return Provide(lambda: value, sync_to_thread=False)


def _provide(name: str, opened: OpenUseCases) -> Provide:
    # Not from the application's state: to hand that over takes longer than to sign a part.
    def provide() -> object:
        return opened.get().by_name[name]

    return Provide(provide, sync_to_thread=False)
