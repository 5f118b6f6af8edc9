"""In-memory adapters of the ports, for tests."""

from .api_key_repository import MemoryApiKeyRepository
from .event_repository import MemoryEventRepository
from .object_store import MemoryObject, MemoryObjectStore
from .quota_repository import MemoryQuotaRepository
from .receipt_key_repository import MemoryReceiptKeyRepository
from .session_repository import MemorySessionRepository

__all__ = [
    "MemoryApiKeyRepository",
    "MemoryEventRepository",
    "MemoryObject",
    "MemoryObjectStore",
    "MemoryQuotaRepository",
    "MemoryReceiptKeyRepository",
    "MemorySessionRepository",
]
