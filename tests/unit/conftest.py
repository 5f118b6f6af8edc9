"""What the use cases are tried on."""

from __future__ import annotations

import pytest

from .service import Service, SettableClock, new_service


@pytest.fixture
def service() -> Service:
    return new_service()


@pytest.fixture
def clock(service: Service) -> SettableClock:
    return service.clock
