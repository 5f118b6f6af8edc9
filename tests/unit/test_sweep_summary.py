"""A sweep's report, for the log and for a person."""

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
from multipart_upload.entrypoints.sweep_summary import lines, summary
from multipart_upload.testing.contract.samples import sample_session

EMPTY = SweepReport(is_dry_run=False, swept=[], retired=0, scan=StoreScan())


def swept(*outcomes: SweepOutcome) -> list[SweptSession]:
    return [SweptSession(sample_session(f"u{n}"), outcome) for n, outcome in enumerate(outcomes)]


def test_nothing_to_do_is_said() -> None:
    assert not EMPTY.has_found
    assert summary(EMPTY) == "Sweep: nothing to do."
    assert list(lines(EMPTY)) == ["Nothing to do."]


def test_the_log_has_one_line_with_every_count() -> None:
    report = SweepReport(
        is_dry_run=False,
        swept=swept(SweepOutcome.EXPIRED, SweepOutcome.COMPLETED, SweepOutcome.EXPIRED),
        retired=4,
        scan=StoreScan(
            leftovers=["a"], strays=[UnknownUpload("b", datetime.now(UTC))], is_complete=False
        ),
    )
    assert summary(report) == (
        "Sweep: 2 expired, 1 completed, 4 retired, 1 leftovers aborted, 1 strays,"
        " S3 did not list its uploads."
    )


def test_a_person_sees_what_each_outcome_means_and_which_sessions_they_are() -> None:
    for outcome in SweepOutcome:
        report = SweepReport(is_dry_run=False, swept=swept(outcome), retired=0, scan=StoreScan())
        head, line = lines(report)
        assert head.split()[:2] == ["1", outcome]
        assert len(head.split()) > 3
        assert line.split() == ["u0", "uploads/alice/u0/holiday.mp4"]


def test_strays_are_shown_with_their_age_and_not_all_of_them() -> None:
    opened_at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    strays = [UnknownUpload(f"stray-{n}", opened_at) for n in range(25)]
    shown = list(
        lines(SweepReport(is_dry_run=False, swept=[], retired=0, scan=StoreScan([], strays)))
    )
    assert shown[0].split()[:2] == ["25", "strays"]
    assert shown[1].split() == ["2026-01-02", "03:04", "stray-0"]
    assert shown[-1].split() == ["and", "5", "more"]
    assert len(shown) == 22


def test_keys_of_others_cannot_write_to_the_terminal() -> None:
    hostile = "a\u202eb\x1b[2J\nc\u2028"
    scan = StoreScan(
        leftovers=[hostile], strays=[UnknownUpload(hostile, datetime(2026, 1, 2, tzinfo=UTC))]
    )
    report = SweepReport(is_dry_run=False, swept=[], retired=0, scan=scan)
    shown = list(lines(report))
    assert all(line.isprintable() for line in shown)
    assert sum(r"a\u202eb\x1b[2J\nc\u2028" in line for line in shown) == 2


def test_what_was_removed_and_what_was_not_seen_is_told() -> None:
    scan = StoreScan(leftovers=["ada/1/f"], is_complete=False)
    report = SweepReport(is_dry_run=False, swept=[], retired=3, scan=scan)
    text = "\n".join(lines(report))
    assert "3 retired" in text
    assert "1 leftover" in text
    assert "ada/1/f" in text
    assert "S3 did not list all its uploads" in text


def test_a_dry_run_says_that_it_is_one() -> None:
    report = SweepReport(is_dry_run=True, swept=[], retired=0, scan=StoreScan())
    assert next(iter(lines(report))).startswith("Dry run: nothing is changed")


def test_what_one_pass_leaves_is_told() -> None:
    report = replace(EMPTY, next_position=SweepPosition())
    assert "More is due: another pass follows." in list(lines(report))
    stopped = replace(report, scan=StoreScan(is_complete=False))
    assert "More is due: it is left to the next sweep." in list(lines(stopped))
