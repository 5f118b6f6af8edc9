"""Choose what watches the ports from the settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from .application.observed_repository import ObservedRepository
from .application.observer import NO_OBSERVER, Observer
from .application.ports import ObjectStore, SessionRepository
from .settings import Settings

if TYPE_CHECKING:
    from .metrics.collected import Metrics
    from .tracing.tracer import Tracing


T = TypeVar("T")


def create_metrics(settings: Settings) -> Metrics | None:
    """Create the metrics if METRICS is set. Otherwise prometheus_client is not even imported."""
    if not settings.metrics:
        return None
    from .metrics.collected import Metrics

    return Metrics()


def create_tracing(settings: Settings) -> Tracing | None:
    """Create what makes spans if TRACES is set. Otherwise the SDK is not even imported.

    Raise ValueError, naming the setting, without the extra or for an unknown exporter.
    """
    if not settings.traces:
        return None
    try:
        from .tracing.tracer import Tracing
    except ImportError:
        msg = "TRACES: needs its extra: pip install 'multipart-upload[traces]'"
        raise ValueError(msg) from None
    return Tracing.from_environment()


def check_tracing(settings: Settings) -> None:
    """Raise ValueError as `create_tracing` does."""
    if (tracing := create_tracing(settings)) is not None:
        tracing.close()


@asynccontextmanager
async def close_tracing(tracing: Tracing | None) -> AsyncIterator[None]:
    """Send the spans that wait at the end."""
    yield
    if tracing is not None:
        # In a thread: it waits for the collector.
        await asyncio.to_thread(tracing.close)


def create_observer(metrics: Metrics | None) -> Observer:
    """Create the observer of the application, which does nothing without metrics."""
    if metrics is None:
        return NO_OBSERVER
    from .metrics.observer import MetricsObserver

    return MetricsObserver(metrics)


def observe_sessions(
    sessions: SessionRepository,
    observer: Observer,
    metrics: Metrics | None,
    tracing: Tracing | None,
) -> SessionRepository:
    """Watch changes of sessions; measure and trace calls if the settings say so."""
    sessions = _trace(sessions, "session_repository", tracing)
    if metrics is not None:
        from .metrics.sessions import MeteredRepository

        sessions = MeteredRepository(sessions, metrics)
    return ObservedRepository(sessions, observer)


def observe_store(
    store: ObjectStore, metrics: Metrics | None, tracing: Tracing | None
) -> ObjectStore:
    """Measure and trace calls if the settings say so."""
    store = _trace(store, "object_store", tracing)
    if metrics is None:
        return store
    from .metrics.store import MeteredStore

    return MeteredStore(store, metrics)


def _trace(port: T, name: str, tracing: Tracing | None) -> T:
    if tracing is None:
        return port
    from .tracing.ports import TracedPort

    return cast("T", TracedPort(port, name, tracing.tracer))
