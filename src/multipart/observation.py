"""Choose what watches the ports from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .application.observed_repository import ObservedRepository
from .application.observer import NO_OBSERVER, Observer
from .application.ports import ObjectStore, SessionRepository
from .settings import Settings

if TYPE_CHECKING:
    from .metrics.collected import Metrics


def create_metrics(settings: Settings) -> Metrics | None:
    """Create the metrics if METRICS is set. Otherwise prometheus_client is not even imported."""
    if not settings.metrics:
        return None
    from .metrics.collected import Metrics

    return Metrics()


def create_observer(metrics: Metrics | None) -> Observer:
    """Create the observer of the application, which does nothing without metrics."""
    if metrics is None:
        return NO_OBSERVER
    from .metrics.observer import MetricsObserver

    return MetricsObserver(metrics)


def observe_sessions(
    sessions: SessionRepository, observer: Observer, metrics: Metrics | None
) -> SessionRepository:
    """Watch changes of sessions, and measure calls if there are metrics."""
    if metrics is not None:
        from .metrics.sessions import MeteredRepository

        sessions = MeteredRepository(sessions, metrics)
    return ObservedRepository(sessions, observer)


def observe_store(store: ObjectStore, metrics: Metrics | None) -> ObjectStore:
    """Measure calls if there are metrics."""
    if metrics is None:
        return store
    from .metrics.store import MeteredStore

    return MeteredStore(store, metrics)
