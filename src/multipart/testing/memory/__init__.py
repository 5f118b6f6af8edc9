"""In-memory adapters of the ports, for tests."""

from .api_key_repository import MemoryApiKeyRepository
from .object_store import MemoryObject, MemoryObjectStore
from .session_repository import MemorySessionRepository

__all__ = [
    "MemoryApiKeyRepository",
    "MemoryObject",
    "MemoryObjectStore",
    "MemorySessionRepository",
]
