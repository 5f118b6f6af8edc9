"""Fixtures of the unit tests: the use cases on in-memory adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
from hypothesis import settings

from .crashes.virtual_time import VirtualTimeLoop
from .service import Service, SettableClock, new_service


def pytest_configure() -> None:
    # A slow example on a busy machine is not a failure.
    settings.register_profile("unit", deadline=None)
    settings.load_profile("unit")


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualTimeLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture
def service() -> Service:
    return new_service()


@pytest.fixture
def clock(service: Service) -> SettableClock:
    return service.clock
