"""The use cases, one a file."""

from .abort import AbortUpload
from .address import SessionAddress
from .complete import CompleteUpload
from .list_parts import ListParts
from .list_sessions import ListSessions
from .policy import UploadPolicy
from .readiness import CheckReadiness
from .record_part import RecordedPart, RecordPart
from .sign_part import SignPart
from .start import NewUpload, StartUpload
from .status import GetUploadStatus, UploadStatus

__all__ = [
    "AbortUpload",
    "CheckReadiness",
    "CompleteUpload",
    "GetUploadStatus",
    "ListParts",
    "ListSessions",
    "NewUpload",
    "RecordPart",
    "RecordedPart",
    "SessionAddress",
    "SignPart",
    "StartUpload",
    "UploadPolicy",
    "UploadStatus",
]
