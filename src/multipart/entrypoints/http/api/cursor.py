"""The place where a page of sessions ended, opaque to clients."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

from ....domain.errors import InvalidFieldError
from ....domain.session import UploadSession


def cursor_after(session: UploadSession) -> str:
    """Name the place behind a session."""
    place = f"{session.created_at.isoformat()} {session.id}"
    return urlsafe_b64encode(place.encode()).decode()


def parse_cursor(cursor: str) -> tuple[datetime, str]:
    """Read (created_at, id) back. Raise InvalidFieldError for what we never gave out."""
    try:
        created_at, _, upload_id = urlsafe_b64decode(cursor).decode().partition(" ")
        return datetime.fromisoformat(created_at).astimezone(UTC), upload_id
    except (binascii.Error, ValueError, OverflowError):
        raise InvalidFieldError("cursor", "must be the next_cursor of an earlier answer") from None
