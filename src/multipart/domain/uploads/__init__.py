"""The use cases, one a file."""

from .abort import AbortUpload
from .address import SessionAddress
from .complete import CompleteUpload
from .list_parts import ListParts
from .list_sessions import ListSessions
from .policy import UploadPolicy
from .readiness import CheckReadiness
from .recent_sessions import RecentSessions
from .record_part import RecordedPart, RecordPart
from .record_parts import PartReport, RecordParts
from .sign_part import SignPart
from .sign_parts import SignParts
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
    "PartReport",
    "RecentSessions",
    "RecordPart",
    "RecordParts",
    "RecordedPart",
    "SessionAddress",
    "SignPart",
    "SignParts",
    "StartUpload",
    "UploadPolicy",
    "UploadStatus",
]
