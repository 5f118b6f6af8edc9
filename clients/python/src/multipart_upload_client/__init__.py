"""Upload files of any size through a multipart-upload service."""

from __future__ import annotations

from .async_client import AsyncClient
from .client import Client
from .credentials import TokenSource
from .errors import (
    AuthenticationError,
    ChecksumMismatchError,
    NoAnswerError,
    ReceiptError,
    ServiceError,
    SourceChangedError,
    StoreError,
    StreamTooLongError,
    TokenError,
    UploadEndedError,
    UploadError,
)
from .models import (
    Progress,
    Source,
    UploadReference,
    UploadResult,
    UploadStatus,
    UploadSummary,
)
from .receipts import verify_receipt
from .retry import RetryPolicy

__all__ = [
    "AsyncClient",
    "AuthenticationError",
    "ChecksumMismatchError",
    "Client",
    "NoAnswerError",
    "Progress",
    "ReceiptError",
    "RetryPolicy",
    "ServiceError",
    "Source",
    "SourceChangedError",
    "StoreError",
    "StreamTooLongError",
    "TokenError",
    "TokenSource",
    "UploadEndedError",
    "UploadError",
    "UploadReference",
    "UploadResult",
    "UploadStatus",
    "UploadSummary",
    "verify_receipt",
]
