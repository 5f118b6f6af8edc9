"""Provide use cases that count what they use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from litestar.di import Provide
from litestar.types import Scope

from ....domain.rate_limit import RateLimit, Unit
from ...startup import OpenUseCases
from .meter import RequestMeter

_METERED: Final = ("start_upload", "sign_parts", "sign_single_upload")


def provide_metered_use_cases(
    limits: Mapping[Unit, RateLimit], opened: OpenUseCases
) -> dict[str, Provide]:
    """Provide use cases under the names of those that they replace; none without limits."""
    return {name: _provide(name, limits, opened) for name in _METERED} if limits else {}


def _provide(name: str, limits: Mapping[Unit, RateLimit], opened: OpenUseCases) -> Provide:
    def provide(scope: Scope) -> object:
        cases = opened.get()
        plain: Any = cases.by_name[name]
        if cases.rate_limiter is None:
            return plain
        return replace(plain, meter=RequestMeter(cases.rate_limiter, limits, scope))

    return Provide(provide, sync_to_thread=False)
