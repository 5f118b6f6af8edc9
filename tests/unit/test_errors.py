"""Errors that clients act upon: codes, messages and extension members."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from multipart_upload.domain import errors
from multipart_upload.domain.errors import (
    MAX_FIELD_ERRORS,
    ChecksumMismatchError,
    ConflictError,
    ContentRefusedError,
    EventsUnsupportedError,
    FieldError,
    FileTooLargeError,
    IdempotencyKeyReusedError,
    IdentityProviderUnavailableError,
    InvalidCredentialsError,
    InvalidFieldError,
    InvalidFieldsError,
    LeaseHeldError,
    NotFoundError,
    PartsMissingError,
    PartsRefusedError,
    PartsUnnamedError,
    QuotaExceededError,
    RateLimitedError,
    RepositoryMisconfiguredError,
    RepositoryUnavailableError,
    SessionNotFoundError,
    SingleUploadsUnsupportedError,
    StaleSessionError,
    StoredSessionUnreadableError,
    StoreMisconfiguredError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
    TransitionError,
    UnauthenticatedError,
    UnavailableError,
    UploadError,
    UploadTokenExhaustedError,
    UploadTokensUnsupportedError,
    UserNotAllowedError,
)
from multipart_upload.domain.rate_limit import RateLimit, Unit
from multipart_upload.entrypoints.http.problems.handlers import status_of

# Clients compare these codes: new ones may be added, but none changed or removed.
CODES: Final = {
    SessionNotFoundError: "upload-not-found",
    InvalidFieldError: "invalid-field",
    InvalidFieldsError: "invalid-field",
    UnauthenticatedError: "unauthenticated",
    InvalidCredentialsError: "invalid-credentials",
    UserNotAllowedError: "user-not-allowed",
    QuotaExceededError: "quota-exceeded",
    UploadTokenExhaustedError: "upload-token-exhausted",
    UploadTokensUnsupportedError: "upload-tokens-unsupported",
    IdentityProviderUnavailableError: "identity-provider-unavailable",
    IdempotencyKeyReusedError: "idempotency-key-reused",
    EventsUnsupportedError: "events-unsupported",
    ChecksumMismatchError: "checksum-mismatch",
    ContentRefusedError: "content-type-mismatch",
    FileTooLargeError: "file-too-large",
    RateLimitedError: "rate-limited",
    TransitionError: "wrong-state",
    LeaseHeldError: "operation-in-progress",
    StaleSessionError: "concurrent-change",
    PartsMissingError: "parts-missing",
    PartsUnnamedError: "parts-unnamed",
    PartsRefusedError: "parts-refused",
    StoreRefusedError: "store-refused",
    SingleUploadsUnsupportedError: "single-uploads-unsupported",
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
    UnauthenticatedError(),
    InvalidCredentialsError(),
    UserNotAllowedError(),
    IdentityProviderUnavailableError(),
    EventsUnsupportedError(),
    ChecksumMismatchError("M3eFcAZSQlc=", "AAAAAAAAAAA="),
    ContentRefusedError("image/png", "text/html"),
    FileTooLargeError(11, 10),
    RateLimitedError(RateLimit(Unit.STARTS, 10, 60), 7, []),
    TransitionError("abort", "completed"),
    LeaseHeldError("completing", 2.5),
    StaleSessionError(),
    PartsMissingError("in-progress", [1], [2]),
    PartsUnnamedError("in-progress", [3]),
    PartsRefusedError("EntityTooSmall", "part 1 is under 5 MiB"),
    StoreRefusedError("AccessDenied"),
    SingleUploadsUnsupportedError(),
    QuotaExceededError("open_uploads", 3),
    UploadTokenExhaustedError(3),
    UploadTokensUnsupportedError(),
    StoreUploadGoneError(),
    StoredSessionUnreadableError("upload-1"),
    RepositoryUnavailableError(),
    StoreUnavailableError(),
    RepositoryMisconfiguredError("authentication-failed", "the password is refused"),
    StoreMisconfiguredError("NoSuchBucket", "the bucket does not exist"),
)


def _find_subclasses(kind: type[UploadError]) -> Iterator[type[UploadError]]:
    for error in kind.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error
            yield from _find_subclasses(error)


def test_every_error_has_its_stable_code() -> None:
    assert {
        error: error.code for error in _find_subclasses(UploadError) if error not in KINDS
    } == CODES


def test_no_two_errors_share_a_code() -> None:
    # To clients, one invalid field and several are the same error.
    assert len(set(CODES.values())) == len(CODES) - 1
    assert UploadError.code not in CODES.values()


def test_error_kinds_group_errors_by_what_the_caller_can_do() -> None:
    assert set(_find_subclasses(NotFoundError)) == {SessionNotFoundError}
    assert set(_find_subclasses(UnavailableError)) == {
        IdentityProviderUnavailableError,
        RepositoryUnavailableError,
        RepositoryMisconfiguredError,
        StoreUnavailableError,
        StoreMisconfiguredError,
    }
    assert set(_find_subclasses(ConflictError)) == {
        ChecksumMismatchError,
        TransitionError,
        LeaseHeldError,
        StaleSessionError,
        PartsMissingError,
        PartsUnnamedError,
        EventsUnsupportedError,
        PartsRefusedError,
        StoreRefusedError,
        SingleUploadsUnsupportedError,
        UploadTokensUnsupportedError,
        StoreUploadGoneError,
    }


def test_every_error_has_an_example_here() -> None:
    assert {type(error) for error in EXAMPLES} == set(CODES)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_extension_members_are_json(error: UploadError) -> None:
    assert json.loads(json.dumps(error.extensions)) == error.extensions


def test_session_not_found_keeps_the_message_of_the_original_service() -> None:
    assert str(SessionNotFoundError()) == "Upload session not found or no parts uploaded"
    assert SessionNotFoundError().extensions == {}


def test_invalid_field_error_names_the_field_and_its_rule() -> None:
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


def test_invalid_fields_beyond_the_maximum_are_left_out() -> None:
    error = InvalidFieldsError([FieldError(f"parts[{n}]", "is wrong") for n in range(10_000)])
    errors = error.extensions["errors"]
    assert isinstance(errors, list)
    assert len(errors) == MAX_FIELD_ERRORS
    assert str(error).endswith("parts[9]: is wrong; and more")


def test_file_too_large_error_names_field_value_and_limit() -> None:
    error = FileTooLargeError(11, 10)
    assert str(error) == "size: 11 bytes is over the limit of 10 bytes"
    assert error.extensions == {"max_size": 10}


def test_transition_error_names_the_action_and_the_state() -> None:
    error = TransitionError("abort", "completed")
    assert str(error) == "Cannot abort an upload that is completed."
    assert error.extensions == {"status": "completed"}
    assert (error.action, error.status) == ("abort", "completed")


def test_lease_held_error_names_the_operation_and_the_wait() -> None:
    error = LeaseHeldError("completing", 2.5)
    assert str(error) == "Another request is at work on the upload, which is completing."
    assert (error.extensions, error.retry_after) == ({"status": "completing"}, 2.5)


def test_temporary_errors_have_a_retry_delay() -> None:
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


def test_message_shortens_many_missing_parts_but_members_list_them_all() -> None:
    error = PartsMissingError("in-progress", range(1, 10_001), [])
    assert str(error).endswith("18, 19, 20 and 9980 more not uploaded.")
    assert error.extensions["missing_parts"] == list(range(1, 10_001))


def test_parts_refused_error_has_the_reason_of_the_store() -> None:
    error = PartsRefusedError("EntityTooSmall", "part 1 is under 5 MiB")
    assert str(error) == "The object store refused the parts: part 1 is under 5 MiB"
    assert error.extensions == {"reason": "EntityTooSmall"}
