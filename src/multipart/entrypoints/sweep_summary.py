"""A sweep's report in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..application.sweep.report import SweepOutcome, SweepReport
from .terminal import visible

_MOST: Final = 20
_MEANING: Final = {
    SweepOutcome.EXPIRED: "nobody had touched them for their whole lifetime",
    SweepOutcome.ABORTED: "an abort that was interrupted",
    SweepOutcome.COMPLETED: "a complete that was interrupted",
    SweepOutcome.REOPENED: "a complete that was interrupted, and whose parts are not all there",
    SweepOutcome.KEPT: "parts still arrive at S3",
    SweepOutcome.TAKEN: "another process was faster",
    SweepOutcome.FAILED: "S3 or the database did not answer; the next sweep tries again",
}


def summary(report: SweepReport) -> str:
    """Give the report in one line, for the log."""
    counts = [f"{report.counts[outcome]} {outcome}" for outcome in report.counts]
    others = {
        "retired": report.retired,
        "leftovers aborted": len(report.scan.leftovers),
        "strays": len(report.scan.strays),
    }
    counts += [f"{count} {name}" for name, count in others.items() if count]
    if not report.scan.is_complete:
        counts.append("S3 did not list its uploads")
    return f"Sweep: {', '.join(counts) or 'nothing to do'}."


def lines(report: SweepReport) -> Iterator[str]:
    """Give the report line by line, for a person."""
    if report.is_dry_run:
        yield "Dry run: nothing is changed, this is what would be."
    for outcome, meaning in _MEANING.items():
        swept = [one.session for one in report.swept if one.outcome is outcome]
        if swept:
            yield f"{len(swept):>7} {outcome:<10} {meaning}"
            yield from _some([f"{session.id}  {session.key}" for session in swept])
    if report.retired:
        yield f"{report.retired:>7} {'retired':<10} forgotten at the end of their retention"
    if leftovers := report.scan.leftovers:
        yield f"{len(leftovers):>7} {'leftover':<10} uploads in S3 that their session needs no more"
        yield from _some(leftovers)
    if strays := report.scan.strays:
        yield f"{len(strays):>7} {'strays':<10} uploads in S3 that no session explains: left alone"
        yield from _some([f"{stray.initiated_at:%Y-%m-%d %H:%M}  {stray.key}" for stray in strays])
    if not report.scan.is_complete:
        yield "S3 did not list all its uploads: what only S3 knows was not looked at."
    yield from _what_is_left(report)
    if not report.has_found:
        yield "Nothing to do."


def _what_is_left(report: SweepReport) -> Iterator[str]:
    if report.is_worth_continuing:
        yield "More is due: another pass follows."
    elif report.next_position is not None:
        yield "More is due: it is left to the next sweep."


def _some(items: list[str]) -> Iterator[str]:
    yield from (f"{'':>8}{visible(item)}" for item in items[:_MOST])
    if len(items) > _MOST:
        yield f"{'':>8}and {len(items) - _MOST} more"
