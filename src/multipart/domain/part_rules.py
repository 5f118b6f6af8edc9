"""Validate a part's number and size against the session's plan and the store's limits."""

from __future__ import annotations

from .errors import InvalidFieldError
from .session import UploadSession
from .store_capabilities import StoreCapabilities


def last_number(session: UploadSession, store: StoreCapabilities) -> int:
    """Return the highest part number that the session allows."""
    return session.plan.part_count if session.plan else store.max_part_count


def require_part(
    session: UploadSession,
    number: int,
    size: int | None,
    store: StoreCapabilities,
    *,
    number_field: str = "part_number",
    size_field: str,
) -> None:
    """Raise InvalidFieldError if the plan or the store does not allow the number or size."""
    last = last_number(session, store)
    if not 1 <= number <= last:
        raise InvalidFieldError(number_field, f"must be 1 to {last}")
    if size is None:
        return
    if session.plan and size != session.plan.size_of(number):
        planned = session.plan.size_of(number)
        raise InvalidFieldError(size_field, f"part {number} of this upload has {planned} bytes")
    if not 0 <= size <= store.max_part_size:
        raise InvalidFieldError(size_field, f"must be 0 to {store.max_part_size} bytes")
