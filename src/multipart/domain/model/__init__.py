"""The upload session, its parts, and their guarded transitions."""

from .object_key import object_key
from .part import Part, PartState, StoredPart, bare_etag
from .part_plan import PartPlan
from .session import THROWN_AWAY, Lease, SessionState, StoredObject, UploadSession

__all__ = [
    "THROWN_AWAY",
    "Lease",
    "Part",
    "PartPlan",
    "PartState",
    "SessionState",
    "StoredObject",
    "StoredPart",
    "UploadSession",
    "bare_etag",
    "object_key",
]
