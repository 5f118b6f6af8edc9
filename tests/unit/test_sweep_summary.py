"""A sweep's report, for the log and for the terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from multipart_upload.application.sweep.report import (
    StoreScan,
    SweepOutcome,
    SweepPosition,
    SweepReport,
    SweptSession,
    UnknownUpload,
)
from multipart_upload.entrypoints.sweep_summary import format_report, summarize
from multipart_upload.testing.contract.sample_sessions import sample_session

EMPTY = SweepReport(is_dry_run=False, swept=[], purged=0, scan=StoreScan())


def swept(*outcomes: SweepOutcome) -> list[SweptSession]:
    return [SweptSession(sample_session(f"u{n}"), outcome) for n, outcome in enumerate(outcomes)]


def test_empty_report_says_nothing_to_do() -> None:
    assert not EMPTY.has_findings
    assert summarize(EMPTY) == "Sweep: nothing to do."
    assert list(format_report(EMPTY)) == ["Nothing to do."]


def test_log_line_has_every_count() -> None:
    report = SweepReport(
        is_dry_run=False,
        swept=swept(SweepOutcome.EXPIRED, SweepOutcome.COMPLETED, SweepOutcome.EXPIRED),
        purged=4,
        settled=5,
        scan=StoreScan(
            orphaned_uploads=["a"],
            unknown_uploads=[UnknownUpload("b", datetime.now(UTC))],
            is_complete=False,
        ),
    )
    assert summarize(report) == (
        "Sweep: 2 expired, 1 completed, 4 purged, 5 reservations settled,"
        " 1 orphaned uploads aborted, 1 unknown uploads, S3 did not list all its uploads."
    )


def test_report_explains_each_outcome_and_lists_its_sessions() -> None:
    for outcome in SweepOutcome:
        report = SweepReport(is_dry_run=False, swept=swept(outcome), purged=0, scan=StoreScan())
        head, line = format_report(report)
        assert head.split()[:2] == ["1", outcome]
        assert len(head.split()) > 3
        assert line.split() == ["u0", "uploads/alice/u0/holiday.mp4"]


def test_report_lists_the_first_unknown_uploads_with_their_age() -> None:
    opened_at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    unknown = [UnknownUpload(f"unknown-{n}", opened_at) for n in range(25)]
    shown = list(
        format_report(
            SweepReport(is_dry_run=False, swept=[], purged=0, scan=StoreScan([], unknown))
        )
    )
    assert shown[0].split()[:2] == ["25", "unknown"]
    assert shown[1].split() == ["2026-01-02", "03:04", "unknown-0"]
    assert shown[-1].split() == ["and", "5", "more"]
    assert len(shown) == 22


def test_report_escapes_control_characters_in_keys() -> None:
    hostile = "a\u202eb\x1b[2J\nc\u2028"
    scan = StoreScan(
        orphaned_uploads=[hostile],
        unknown_uploads=[UnknownUpload(hostile, datetime(2026, 1, 2, tzinfo=UTC))],
    )
    report = SweepReport(is_dry_run=False, swept=[], purged=0, scan=scan)
    shown = list(format_report(report))
    assert all(line.isprintable() for line in shown)
    assert sum(r"a\u202eb\x1b[2J\nc\u2028" in line for line in shown) == 2


def test_report_lists_purged_and_orphaned_uploads_and_an_incomplete_scan() -> None:
    scan = StoreScan(orphaned_uploads=["ada/1/f"], is_complete=False)
    report = SweepReport(is_dry_run=False, swept=[], purged=3, scan=scan)
    text = "\n".join(format_report(report))
    assert "3 purged" in text
    assert "1 orphaned" in text
    assert "ada/1/f" in text
    assert "S3 did not list all its uploads" in text


def test_dry_run_is_labelled() -> None:
    report = SweepReport(is_dry_run=True, swept=[], purged=0, scan=StoreScan())
    assert next(iter(format_report(report))).startswith("Dry run: nothing was changed")


def test_report_says_what_continues_after_this_pass() -> None:
    report = replace(EMPTY, next_position=SweepPosition())
    assert "More is due: another pass follows." in list(format_report(report))
    stopped = replace(report, scan=StoreScan(is_complete=False))
    assert "More is due: the next sweep continues." in list(format_report(stopped))
