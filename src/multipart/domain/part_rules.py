"""Validate a part's number and size against the session's plan and S3's limits."""

from __future__ import annotations

from .errors import InvalidFieldError
from .limits import MAX_PART_SIZE
from .session import UploadSession


def last_number(session: UploadSession, max_parts: int) -> int:
    """Return the highest part number that the session allows."""
    return session.plan.part_count if session.plan else max_parts


def require_part(
    session: UploadSession,
    number: int,
    size: int | None,
    max_parts: int,
    *,
    number_field: str = "part_number",
    size_field: str,
) -> None:
    """Raise InvalidFieldError if the plan or the store does not allow the number or size."""
    last = last_number(session, max_parts)
    if not 1 <= number <= last:
        raise InvalidFieldError(number_field, f"must be 1 to {last}")
    if size is None:
        return
    if session.plan and size != session.plan.size_of(number):
        planned = session.plan.size_of(number)
        raise InvalidFieldError(size_field, f"part {number} of this upload has {planned} bytes")
    if not 0 <= size <= MAX_PART_SIZE:
        raise InvalidFieldError(size_field, f"must be 0 to {MAX_PART_SIZE} bytes")
