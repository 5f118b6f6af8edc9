"""Counts what the application reports."""

from __future__ import annotations

from ..application.observer import Observer
from ..application.sweep.report import SweepReport
from ..domain.session import SessionState, UploadSession
from .collected import Metrics


class MetricsObserver(Observer):
    """Counts transitions, completes, leases and results of the sweep."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def note_change(self, session: UploadSession) -> None:
        before = session.before
        if before is None or before.state is not session.state:
            from_state = before.state.value if before else "new"
            self._metrics.transitions.labels(from_state, session.state.value).inc()
        if before is None:
            return
        if session.state is SessionState.COMPLETED:
            # Both times are by the database's clock.
            duration = session.active_at - before.active_at
            self._metrics.complete_seconds.observe(duration.total_seconds())
        if before.lease and session.lease and before.lease.holder != session.lease.holder:
            self._metrics.lease_takeovers.inc()

    def note_lease_wait(self) -> None:
        self._metrics.lease_waits.inc()

    def note_sweep(self, report: SweepReport) -> None:
        if report.is_dry_run:
            return
        counts = {outcome.value: count for outcome, count in report.counts.items()}
        counts["purged"] = report.purged
        counts["orphaned"] = len(report.scan.orphaned_uploads)
        counts["unknown"] = len(report.scan.unknown_uploads)
        for result, count in counts.items():
            self._metrics.sweep_results.labels(result).inc(count)
