"""Text of a sweep's report, for the log and for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..application.sweep.report import SweepOutcome, SweepReport
from .terminal import escape_unprintable

_MAX_ITEMS: Final = 20
_MEANING: Final = {
    SweepOutcome.EXPIRED: "idle past UPLOAD_EXPIRY_SECONDS, too old, or never fully started",
    SweepOutcome.ABORTED: "finished an interrupted abort",
    SweepOutcome.COMPLETED: "complete was interrupted, or all parts had been sent",
    SweepOutcome.REOPENED: "interrupted complete with missing or refused parts: open again",
    SweepOutcome.KEPT: "not expired: parts still arrive in S3",
    SweepOutcome.TAKEN: "handled by another process",
    SweepOutcome.FAILED: "S3 or the database did not answer; the next sweep tries again",
}


def summarize(report: SweepReport) -> str:
    """Return the report as one line for the log."""
    counts = [f"{report.counts[outcome]} {outcome}" for outcome in report.counts]
    others = {
        "purged": report.purged,
        "reservations settled": report.settled,
        "orphaned uploads aborted": len(report.scan.orphaned_uploads),
        "unknown uploads": len(report.scan.unknown_uploads),
    }
    counts += [f"{count} {name}" for name, count in others.items() if count]
    if not report.scan.is_complete:
        counts.append("S3 did not list all its uploads")
    return f"Sweep: {', '.join(counts) or 'nothing to do'}."


def format_report(report: SweepReport) -> Iterator[str]:
    """Yield the report line by line for the terminal."""
    if report.is_dry_run:
        yield "Dry run: nothing was changed. A sweep would do this:"
    for outcome, meaning in _MEANING.items():
        sessions = [swept.session for swept in report.swept if swept.outcome is outcome]
        if sessions:
            yield _format_count(len(sessions), outcome, meaning)
            yield from _format_items([f"{session.id}  {session.key}" for session in sessions])
    if report.purged:
        yield _format_count(report.purged, "purged", "removed after RETENTION_SECONDS")
    if report.settled:
        yield _format_count(report.settled, "settled", "quota reservations of no open upload")
    if orphaned := report.scan.orphaned_uploads:
        yield _format_count(len(orphaned), "orphaned", "open in S3, but no session uses them")
        yield from _format_items(orphaned)
    if unknown := report.scan.unknown_uploads:
        yield _format_count(len(unknown), "unknown", "open in S3 without a session: not touched")
        yield from _format_items(
            [f"{upload.initiated_at:%Y-%m-%d %H:%M}  {upload.key}" for upload in unknown]
        )
    if not report.scan.is_complete:
        yield "S3 did not list all its uploads: orphaned and unknown ones may be missing here."
    yield from _format_continuation(report)
    if not report.has_findings:
        yield "Nothing to do."


def _format_continuation(report: SweepReport) -> Iterator[str]:
    if report.is_worth_continuing:
        yield "More is due: another pass follows."
    elif report.next_position is not None:
        yield "More is due: the next sweep continues."


def _format_count(count: int, name: str, meaning: str) -> str:
    return f"{count:>7} {name:<10} {meaning}"


def _format_items(items: list[str]) -> Iterator[str]:
    yield from (f"{'':>8}{escape_unprintable(item)}" for item in items[:_MAX_ITEMS])
    if len(items) > _MAX_ITEMS:
        yield f"{'':>8}and {len(items) - _MAX_ITEMS} more"
