"""The definition of every metric, and their exposition as text."""

from __future__ import annotations

import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from .shared import DIRECTORY

_CALL_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_COMPLETE_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """The metrics of one service process.

    Labels have few values: never a user, a key or an upload id.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "multipart_requests",
            "HTTP requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self.transitions = Counter(
            "multipart_transitions",
            "State changes of uploads stored by this process",
            ["from_state", "to_state"],
            registry=registry,
        )
        self.parts_recorded = Counter(
            "multipart_parts_recorded",
            "Parts recorded, repeated reports included",
            ["source"],
            registry=registry,
        )
        self.urls_signed = Counter(
            "multipart_urls_signed", "URLs signed", ["kind"], registry=registry
        )
        self.complete_seconds = Histogram(
            "multipart_complete_seconds",
            "Time from the first attempt to complete an upload to its object",
            buckets=_COMPLETE_BUCKETS,
            registry=registry,
        )
        self.lease_waits = Counter(
            "multipart_lease_waits",
            "Calls that waited for another caller's lease",
            registry=registry,
        )
        self.lease_takeovers = Counter(
            "multipart_lease_takeovers",
            "Leases taken over after their deadline",
            registry=registry,
        )
        self.sweep_results = Counter(
            "multipart_sweep_results", "What the sweep has found", ["result"], registry=registry
        )
        self.port_call_seconds = Histogram(
            "multipart_port_call_seconds",
            "Duration of calls of the database and the object store",
            ["port", "operation", "outcome"],
            buckets=_CALL_BUCKETS,
            registry=registry,
        )

    def expose(self) -> bytes:
        """Return all metrics as text: those of every worker process if there are several."""
        if DIRECTORY not in os.environ:
            return generate_latest(self.registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)
