"""The errors that clients act upon: their codes, sentences and facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from multipart_upload.domain import errors
from multipart_upload.domain.errors import (
    MAX_FIELD_ERRORS,
    ConflictError,
    FieldError,
    FileTooLargeError,
    IdempotencyKeyReusedError,
    InvalidFieldError,
    InvalidFieldsError,
    LeaseHeldError,
    NotFoundError,
    PartsMissingError,
    PartsRefusedError,
    PartsUnnamedError,
    RepositoryMisconfiguredError,
    RepositoryUnavailableError,
    SessionNotFoundError,
    StaleSessionError,
    StoredSessionUnreadableError,
    StoreMisconfiguredError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
    TransitionError,
    UnavailableError,
    UploadError,
)
from multipart_upload.entrypoints.http.problems.handlers import status_of

# Clients compare these: a code may be added, but none changed or taken away.
CODES: Final = {
    SessionNotFoundError: "upload-not-found",
    InvalidFieldError: "invalid-field",
    InvalidFieldsError: "invalid-field",
    IdempotencyKeyReusedError: "idempotency-key-reused",
    FileTooLargeError: "file-too-large",
    TransitionError: "wrong-state",
    LeaseHeldError: "operation-in-progress",
    StaleSessionError: "concurrent-change",
    PartsMissingError: "parts-missing",
    PartsUnnamedError: "parts-unnamed",
    PartsRefusedError: "parts-refused",
    StoreRefusedError: "store-refused",
    StoreUploadGoneError: "store-upload-gone",
    StoredSessionUnreadableError: "stored-session-unreadable",
    RepositoryUnavailableError: "repository-unavailable",
    StoreUnavailableError: "store-unavailable",
    RepositoryMisconfiguredError: "repository-misconfigured",
    StoreMisconfiguredError: "store-misconfigured",
}
KINDS: Final = {NotFoundError, ConflictError, UnavailableError}
EXAMPLES: Final[tuple[UploadError, ...]] = (
    SessionNotFoundError(),
    InvalidFieldError("user_id", "at most 128 characters"),
    InvalidFieldsError([FieldError("user_id", "is required"), FieldError("key", "is required")]),
    IdempotencyKeyReusedError(),
    FileTooLargeError(11, 10),
    TransitionError("abort", "completed"),
    LeaseHeldError("completing", 2.5),
    StaleSessionError(),
    PartsMissingError("in-progress", [1], [2]),
    PartsUnnamedError("in-progress", [3]),
    PartsRefusedError("EntityTooSmall", "part 1 is under 5 MiB"),
    StoreRefusedError("AccessDenied"),
    StoreUploadGoneError(),
    StoredSessionUnreadableError("upload-1"),
    RepositoryUnavailableError(),
    StoreUnavailableError(),
    RepositoryMisconfiguredError("authentication-failed", "the password is refused"),
    StoreMisconfiguredError("NoSuchBucket", "the bucket does not exist"),
)


def _under(kind: type[UploadError]) -> Iterator[type[UploadError]]:
    for error in kind.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error
            yield from _under(error)


def test_every_error_has_its_stable_code() -> None:
    assert {error: error.code for error in _under(UploadError) if error not in KINDS} == CODES


def test_no_two_errors_share_a_code() -> None:
    # One wrong field and several are the same error to a client.
    assert len(set(CODES.values())) == len(CODES) - 1
    assert UploadError.code not in CODES.values()


def test_the_kinds_tell_what_a_caller_can_do() -> None:
    assert set(_under(NotFoundError)) == {SessionNotFoundError}
    assert set(_under(UnavailableError)) == {
        RepositoryUnavailableError,
        RepositoryMisconfiguredError,
        StoreUnavailableError,
        StoreMisconfiguredError,
    }
    assert set(_under(ConflictError)) == {
        TransitionError,
        LeaseHeldError,
        StaleSessionError,
        PartsMissingError,
        PartsUnnamedError,
        PartsRefusedError,
        StoreRefusedError,
        StoreUploadGoneError,
    }


def test_every_error_has_an_example_here() -> None:
    assert {type(error) for error in EXAMPLES} == set(CODES)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_facts_travel_as_json(error: UploadError) -> None:
    assert json.loads(json.dumps(error.extensions)) == error.extensions


def test_a_session_is_not_found_in_the_words_of_the_original_service() -> None:
    assert str(SessionNotFoundError()) == "Upload session not found or no parts uploaded"
    assert SessionNotFoundError().extensions == {}


def test_an_invalid_field_is_named_with_its_rule() -> None:
    error = InvalidFieldError("part_number", "1 to 10,000")
    assert str(error) == "part_number: 1 to 10,000"
    assert error.extensions == {"errors": [{"field": "part_number", "message": "1 to 10,000"}]}


def test_several_invalid_fields_are_all_named() -> None:
    error = InvalidFieldsError([FieldError("a", "is required"), FieldError("b", "must be text")])
    assert str(error) == "a: is required; b: must be text"
    assert error.extensions == {
        "errors": [
            {"field": "a", "message": "is required"},
            {"field": "b", "message": "must be text"},
        ]
    }


def test_invalid_fields_beyond_count_are_left_out() -> None:
    error = InvalidFieldsError([FieldError(f"parts[{n}]", "is wrong") for n in range(10_000)])
    errors = error.extensions["errors"]
    assert isinstance(errors, list)
    assert len(errors) == MAX_FIELD_ERRORS
    assert str(error).endswith("parts[9]: is wrong; and more")


def test_a_file_too_large_names_the_field_its_value_and_the_limit() -> None:
    error = FileTooLargeError(11, 10)
    assert str(error) == "size: 11 bytes is over the limit of 10 bytes"
    assert error.extensions == {"max_size": 10}


def test_a_refused_transition_names_the_action_and_the_state() -> None:
    error = TransitionError("abort", "completed")
    assert str(error) == "Cannot abort an upload that is completed."
    assert error.extensions == {"status": "completed"}
    assert (error.action, error.status) == ("abort", "completed")


def test_who_has_to_wait_is_told_for_whom_and_how_long() -> None:
    error = LeaseHeldError("completing", 2.5)
    assert str(error) == "Another request is at work on the upload, which is completing."
    assert (error.extensions, error.retry_after) == ({"status": "completing"}, 2.5)


def test_what_will_pass_says_when_to_try_again() -> None:
    passing = (StaleSessionError(), RepositoryUnavailableError(), StoreUnavailableError())
    assert [error.retry_after for error in passing] == [1.0, 2.0, 2.0]


def test_unreadable_session_is_an_internal_error_that_names_the_upload() -> None:
    error = StoredSessionUnreadableError("upload-1")
    assert str(error) == "The stored session of upload upload-1 cannot be read."
    assert status_of(error) == 500
    assert not hasattr(error, "retry_after")


@pytest.mark.parametrize(
    ("missing", "mismatched", "problems"),
    [
        ([3], [], "part 3 not uploaded"),
        ([3, 5], [], "parts 3, 5 not uploaded"),
        ([], [2], "part 2 not stored as reported or planned"),
        ([1], [2, 4], "part 1 not uploaded; parts 2, 4 not stored as reported or planned"),
    ],
)
def test_missing_and_differing_parts_are_named(
    missing: list[int], mismatched: list[int], problems: str
) -> None:
    error = PartsMissingError("in-progress", missing, mismatched)
    assert str(error) == f"The upload cannot be completed: {problems}."
    assert error.extensions == {
        "status": "in-progress",
        "missing_parts": missing,
        "mismatched_parts": mismatched,
    }


def test_many_missing_parts_are_all_facts_but_not_all_in_the_sentence() -> None:
    error = PartsMissingError("in-progress", range(1, 10_001), [])
    assert str(error).endswith("18, 19, 20 and 9980 more not uploaded.")
    assert error.extensions["missing_parts"] == list(range(1, 10_001))


def test_a_refusal_of_the_store_gives_its_own_reason() -> None:
    error = PartsRefusedError("EntityTooSmall", "part 1 is under 5 MiB")
    assert str(error) == "The object store refused the parts: part 1 is under 5 MiB"
    assert error.extensions == {"reason": "EntityTooSmall"}
