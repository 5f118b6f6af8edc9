"""Hand the use cases to the controllers."""

from __future__ import annotations

from dataclasses import fields

from litestar.datastructures import State
from litestar.di import Provide

from ...container import UseCases


def use_case_dependencies() -> dict[str, Provide]:
    """Provide every use case under its name in UseCases."""
    return {field.name: _provide(field.name) for field in fields(UseCases)}


def _provide(name: str) -> Provide:
    def provide(state: State) -> object:
        return getattr(state.use_cases, name)

    return Provide(provide, sync_to_thread=False)
