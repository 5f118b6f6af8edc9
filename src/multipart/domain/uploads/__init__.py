"""The use cases, one a file."""

from .abort import AbortUpload
from .address import SessionAddress
from .complete import CompleteUpload
from .complete_named import CompleteNamedParts, NamedPart
from .lifecycle import CheckLifecycle
from .list_parts import ListParts
from .list_sessions import ListSessions
from .policy import UploadPolicy
from .readiness import CheckReadiness
from .recent_sessions import RecentSessions
from .record_part import RecordedPart, RecordPart
from .record_parts import PartReport, RecordParts
from .sign_part import SignPart
from .sign_parts import SignParts
from .sign_single import SignSingleUpload
from .start import NewUpload, StartUpload
from .status import GetUploadStatus, UploadStatus
from .sweep import SweepUploads
from .sweep_report import StoreScan, StrayUpload, SweepOutcome, SweepReport, SweptSession

__all__ = [
    "AbortUpload",
    "CheckLifecycle",
    "CheckReadiness",
    "CompleteNamedParts",
    "CompleteUpload",
    "GetUploadStatus",
    "ListParts",
    "ListSessions",
    "NamedPart",
    "NewUpload",
    "PartReport",
    "RecentSessions",
    "RecordPart",
    "RecordParts",
    "RecordedPart",
    "SessionAddress",
    "SignPart",
    "SignParts",
    "SignSingleUpload",
    "StartUpload",
    "StoreScan",
    "StrayUpload",
    "SweepOutcome",
    "SweepReport",
    "SweepUploads",
    "SweptSession",
    "UploadPolicy",
    "UploadStatus",
]
