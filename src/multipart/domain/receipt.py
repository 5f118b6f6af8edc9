"""What a receipt states about a completed upload."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .session import SessionState, UploadSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A statement that an object exists; everything in it is recorded when the upload completes.

    `size` is in bytes, `etag` is bare, and `checksum_crc64nvme` is None if the store told none.
    """

    upload_id: str
    user_id: str
    key: str
    location: str
    size: int
    etag: str
    checksum_crc64nvme: str | None
    completed_at: datetime


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """A private key that signs receipts, in PEM; it appears in no log."""

    pem: str = field(repr=False)


def receipt_of(session: UploadSession) -> Receipt | None:
    """Return the receipt of an upload; None unless it is completed.

    A completed session never changes, so that its receipt is always the same.
    """
    result = session.result
    if session.state is not SessionState.COMPLETED or result is None:
        return None
    return Receipt(
        upload_id=session.id,
        user_id=session.user_id,
        key=session.key,
        location=result.location,
        size=result.size,
        etag=result.etag,
        checksum_crc64nvme=result.checksum,
        completed_at=session.active_at,
    )
