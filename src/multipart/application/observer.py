"""What the application reports about its work, for metrics."""

from __future__ import annotations

from typing import Final

from ..domain.session import UploadSession
from .sweep.report import SweepReport


class Observer:
    """Ignores every report; subclasses override single methods, which must not fail."""

    def note_change(self, session: UploadSession) -> None:
        """Note a stored session, which is new if it has no `before`."""

    def note_lease_wait(self) -> None:
        """Note that a caller waits, because another one holds the lease."""

    def note_sweep(self, report: SweepReport) -> None:
        """Note the end of a pass of the sweep."""


NO_OBSERVER: Final = Observer()
