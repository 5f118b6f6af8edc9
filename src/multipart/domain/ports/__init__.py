"""What the domain needs from the outside, as promises that the contract suites check."""

from .clock import Clock
from .object_store import (
    UPLOAD_ID_METADATA_KEY,
    NewObject,
    ObjectStore,
    SignedPart,
    SignedParts,
    StoreUpload,
)
from .session_repository import SessionPage, SessionQuery, SessionRepository

__all__ = [
    "UPLOAD_ID_METADATA_KEY",
    "Clock",
    "NewObject",
    "ObjectStore",
    "SessionPage",
    "SessionQuery",
    "SessionRepository",
    "SignedPart",
    "SignedParts",
    "StoreUpload",
]
