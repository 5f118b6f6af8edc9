"""Hand the use cases to the controllers."""

from __future__ import annotations

from dataclasses import fields

from litestar.di import Provide

from ...container import UseCases
from ..startup import OpenUseCases


def use_case_dependencies(opened: OpenUseCases) -> dict[str, Provide]:
    """Provide every use case under its name in UseCases, which is the only one once opened."""
    return {field.name: _provide(field.name, opened) for field in fields(UseCases)}


def provide(value: object) -> Provide:
    """Provide the same value to every request."""
    return Provide(lambda: value, sync_to_thread=False)


def _provide(name: str, opened: OpenUseCases) -> Provide:
    # Not from the application's state: to hand that over takes longer than to sign a part.
    def provide() -> object:
        return getattr(opened.get(), name)

    return Provide(provide, sync_to_thread=False)
