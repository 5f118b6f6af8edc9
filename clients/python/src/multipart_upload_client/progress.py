"""The progress of one upload."""

from __future__ import annotations

from dataclasses import dataclass

from .models import OnProgress, Progress


@dataclass(slots=True)
class ProgressTracker:
    """Counts bytes and parts, and reports every change."""

    filename: str
    size: int | None
    on_progress: OnProgress | None
    part_count: int | None = None
    sent: int = 0
    resumed: int = 0
    parts_sent: int = 0

    def begin(self, arrived_bytes: int, arrived_parts: int, part_count: int) -> None:
        """Start with what arrived in an earlier run."""
        self.sent = self.resumed = arrived_bytes
        self.parts_sent, self.part_count = arrived_parts, part_count
        self._report()

    def add_bytes(self, size: int) -> None:
        """Count bytes on their way; negative if they must be sent again."""
        self.sent += size
        if size:
            self._report()

    def add_part(self) -> None:
        self.parts_sent += 1
        self._report()

    def remove_parts(self, size: int, parts: int) -> None:
        """Take back parts that must be sent again."""
        self.sent -= size
        self.parts_sent -= parts
        self.resumed = min(self.resumed, self.sent)
        self._report()

    def _report(self) -> None:
        if self.on_progress is not None:
            self.on_progress(
                Progress(
                    self.filename,
                    self.sent,
                    self.size,
                    self.resumed,
                    self.parts_sent,
                    self.part_count,
                )
            )
