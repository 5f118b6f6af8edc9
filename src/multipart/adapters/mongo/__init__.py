"""Sessions and parts in MongoDB: Beanie documents on PyMongo's async client."""

from .api_keys import open_mongo_api_keys
from .client import open_mongo_sessions
from .events import open_mongo_events
from .quotas import open_mongo_quotas
from .receipt_keys import open_mongo_receipt_keys

__all__ = [
    "open_mongo_api_keys",
    "open_mongo_events",
    "open_mongo_quotas",
    "open_mongo_receipt_keys",
    "open_mongo_sessions",
]
