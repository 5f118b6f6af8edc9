"""The cursor of the list of uploads: where a page ended, opaque to clients."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Final

from ....domain.errors import InvalidFieldError
from ....domain.session import UploadSession
from ..validation.parsing import is_supported_time

_RULE: Final = "must be the next_cursor of an earlier answer"
_UPLOAD_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


def encode_cursor(session: UploadSession) -> str:
    """Return the cursor of the page that starts after a session."""
    position = f"{session.created_at.isoformat()} {session.id}"
    return urlsafe_b64encode(position.encode()).decode()


def parse_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """Return (created_at, id). Raise InvalidFieldError for a text that is no cursor."""
    if not cursor:
        return None
    try:
        text, _, upload_id = urlsafe_b64decode(cursor).decode().partition(" ")
        created_at = datetime.fromisoformat(text).astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError):
        raise InvalidFieldError("cursor", _RULE) from None
    if not is_supported_time(created_at) or not _UPLOAD_ID.fullmatch(upload_id):
        raise InvalidFieldError("cursor", _RULE)
    return created_at, upload_id
