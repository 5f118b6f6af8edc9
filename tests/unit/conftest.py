"""What the use cases are tried on."""

from __future__ import annotations

import pytest
from hypothesis import settings

from .service import Service, SettableClock, new_service


def pytest_configure() -> None:
    # A busy machine is no counterexample.
    settings.register_profile("unit", deadline=None)
    settings.load_profile("unit")


@pytest.fixture
def service() -> Service:
    return new_service()


@pytest.fixture
def clock(service: Service) -> SettableClock:
    return service.clock
