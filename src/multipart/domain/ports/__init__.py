"""What the domain needs from the outside, as promises that the contract suites check."""

from .clock import Clock
from .object_store import NewObject, ObjectStore, SignedPart, StoreUpload
from .session_repository import SessionPage, SessionQuery, SessionRepository

__all__ = [
    "Clock",
    "NewObject",
    "ObjectStore",
    "SessionPage",
    "SessionQuery",
    "SessionRepository",
    "SignedPart",
    "StoreUpload",
]
