"""In-memory adapters of both ports, for tests."""

from .object_store import MemoryObject, MemoryObjectStore
from .session_repository import MemorySessionRepository

__all__ = ["MemoryObject", "MemoryObjectStore", "MemorySessionRepository"]
