"""What must hold once everything runs again and one sweep has been made.

Each rule gives a sentence for everything that breaks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from .final_state import Aftermath
from .workload import End

Rule = Callable[[Aftermath], Iterator[str]]
_ENDS: Final = {End.COMPLETE: "completed", End.ABORT: "aborted", End.LEAVE: None}


def no_row_is_between_two_states(seen: Aftermath) -> Iterator[str]:
    for row in seen.rows.sessions.values():
        if row.is_between:
            yield f"{row.id} is still {row.state}"


def every_open_upload_of_s3_has_its_open_row(seen: Aftermath) -> Iterator[str]:
    for upload in seen.uploads:
        row = seen.rows_by_key.get(upload.key)
        if row is None:
            yield f"S3 has an open upload of {upload.key}, and there is no row"
        elif not row.is_open or row.store_upload_id != upload.store_upload_id:
            yield f"S3 has an open upload of {row.id}, which is {row.state} or has another"


def every_open_row_has_its_upload_in_s3(seen: Aftermath) -> Iterator[str]:
    for row in seen.rows.sessions.values():
        if seen.needs_upload(row) and seen.upload_of(row) is None:
            yield f"{row.id} is {row.state}, and S3 has no open upload of it"


def an_object_exists_exactly_where_a_row_is_completed(seen: Aftermath) -> Iterator[str]:
    completed = {row.key for row in seen.rows.sessions.values() if row.state == "completed"}
    yield from (f"{key} is completed and has no object" for key in completed - seen.objects.keys())
    yield from (
        f"{key} has an object and no completed row" for key in seen.objects.keys() - completed
    )


def every_object_is_the_file_that_was_sent(seen: Aftermath) -> Iterator[str]:
    sent = {told.upload.key: told for told in seen.told}
    for key, found in seen.objects.items():
        told = sent.get(key)
        if told is None:
            yield f"{key} is an object that nobody uploaded"
        elif (found.sha256, found.upload_id) != (told.sha256, told.id):
            yield f"{key} has other bytes than were sent, or is said to be of {found.upload_id}"


def no_acknowledged_start_is_lost(seen: Aftermath) -> Iterator[str]:
    for told in seen.told:
        if told.id not in seen.rows.sessions:
            yield f"{told.id} was started and has no row"


def no_acknowledged_part_is_missing(seen: Aftermath) -> Iterator[str]:
    for told in seen.told:
        row = seen.rows.sessions.get(told.id)
        if row is not None and seen.needs_upload(row):
            upload = seen.upload_of(row)
            held = {} if upload is None else upload.parts
            for number, etag in told.parts.items():
                if seen.rows.parts.get((told.id, number)) != etag:
                    yield f"part {number} of {told.id} was acknowledged and is not recorded"
                if held.get(number) != etag and number not in told.doubtful:
                    yield f"part {number} of {told.id} was acknowledged and is not in S3"


def no_upload_ends_as_nobody_wanted(seen: Aftermath) -> Iterator[str]:
    for told in seen.told:
        row = seen.rows.sessions.get(told.id)
        if row is not None and not row.is_open and row.state != _ENDS[told.wanted]:
            yield f"{told.id} is {row.state}, and its client wanted to {told.wanted.name}"


def no_acknowledged_end_is_undone(seen: Aftermath) -> Iterator[str]:
    for told in seen.told:
        row, found = seen.rows.sessions.get(told.id), seen.objects.get(told.upload.key)
        state, etag = row and row.state, found and found.etag
        if told.is_aborted and state != "aborted":
            yield f"{told.id} was aborted and is {state}"
        if told.completed is not None and (state, etag) != ("completed", told.completed["etag"]):
            yield f"{told.id} was completed with {told.completed} and is {state}, {etag}"


RULES: Final[tuple[Rule, ...]] = (
    no_row_is_between_two_states,
    every_open_upload_of_s3_has_its_open_row,
    every_open_row_has_its_upload_in_s3,
    an_object_exists_exactly_where_a_row_is_completed,
    every_object_is_the_file_that_was_sent,
    no_acknowledged_start_is_lost,
    no_acknowledged_part_is_missing,
    no_upload_ends_as_nobody_wanted,
    no_acknowledged_end_is_undone,
)


def broken(seen: Aftermath) -> list[str]:
    """Give all that is not as it must be."""
    return [sentence for rule in RULES for sentence in rule(seen)]
