"""What must hold once everything runs again and one sweep has run.

Each rule yields one sentence per violation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from .final_state import FinalState
from .workload import End

Rule = Callable[[FinalState], Iterator[str]]
_ENDS: Final = {End.COMPLETE: "completed", End.ABORT: "aborted", End.LEAVE: None}


def no_row_is_between_two_states(final: FinalState) -> Iterator[str]:
    for row in final.rows.sessions.values():
        if row.is_between:
            yield f"{row.id} is still {row.state}"


def every_open_upload_of_s3_has_its_open_row(final: FinalState) -> Iterator[str]:
    for upload in final.uploads:
        row = final.rows_by_key.get(upload.key)
        if row is None:
            yield f"S3 has an open upload of {upload.key}, and there is no row"
        elif not row.is_open or row.store_upload_id != upload.store_upload_id:
            yield f"S3 has an open upload of {row.id}, which is {row.state} or has another"


def every_open_row_has_its_upload_in_s3(final: FinalState) -> Iterator[str]:
    for row in final.rows.sessions.values():
        if final.needs_upload(row) and final.upload_of(row) is None:
            yield f"{row.id} is {row.state}, and S3 has no open upload of it"


def an_object_exists_exactly_where_a_row_is_completed(final: FinalState) -> Iterator[str]:
    completed = {row.key for row in final.rows.sessions.values() if row.state == "completed"}
    yield from (f"{key} is completed and has no object" for key in completed - final.objects.keys())
    yield from (
        f"{key} has an object and no completed row" for key in final.objects.keys() - completed
    )


def every_object_is_the_file_that_was_sent(final: FinalState) -> Iterator[str]:
    sent = {history.upload.key: history for history in final.histories}
    for key, found in final.objects.items():
        history = sent.get(key)
        if history is None:
            yield f"{key} is an object that no client uploaded"
        elif (found.sha256, found.upload_id) != (history.sha256, history.id):
            yield f"{key} has other bytes than were sent, or the wrong id {found.upload_id}"


def no_acknowledged_start_is_lost(final: FinalState) -> Iterator[str]:
    for history in final.histories:
        if history.id not in final.rows.sessions:
            yield f"{history.id} was started and has no row"


def no_acknowledged_part_is_missing(final: FinalState) -> Iterator[str]:
    for history in final.histories:
        row = final.rows.sessions.get(history.id)
        if row is not None and final.needs_upload(row):
            upload = final.upload_of(row)
            held = {} if upload is None else upload.parts
            for number, etag in history.parts.items():
                if final.rows.parts.get((history.id, number)) != etag:
                    yield f"part {number} of {history.id} was acknowledged and is not recorded"
                if held.get(number) != etag and number not in history.uncertain:
                    yield f"part {number} of {history.id} was acknowledged and is not in S3"


def no_upload_ends_against_its_clients_wish(final: FinalState) -> Iterator[str]:
    for history in final.histories:
        row = final.rows.sessions.get(history.id)
        if row is not None and not row.is_open and row.state != _ENDS[history.wanted]:
            yield f"{history.id} is {row.state}, and its client wanted to {history.wanted.name}"


def no_acknowledged_end_is_undone(final: FinalState) -> Iterator[str]:
    for history in final.histories:
        row, found = final.rows.sessions.get(history.id), final.objects.get(history.upload.key)
        state, etag = row and row.state, found and found.etag
        if history.is_aborted and state != "aborted":
            yield f"{history.id} was aborted and is {state}"
        if history.completed is not None and (state, etag) != (
            "completed",
            history.completed["etag"],
        ):
            yield f"{history.id} was completed with {history.completed} and is {state}, {etag}"


RULES: Final[tuple[Rule, ...]] = (
    no_row_is_between_two_states,
    every_open_upload_of_s3_has_its_open_row,
    every_open_row_has_its_upload_in_s3,
    an_object_exists_exactly_where_a_row_is_completed,
    every_object_is_the_file_that_was_sent,
    no_acknowledged_start_is_lost,
    no_acknowledged_part_is_missing,
    no_upload_ends_against_its_clients_wish,
    no_acknowledged_end_is_undone,
)


def find_violations(final: FinalState) -> list[str]:
    """Return the violations of all rules."""
    return [sentence for rule in RULES for sentence in rule(final)]
