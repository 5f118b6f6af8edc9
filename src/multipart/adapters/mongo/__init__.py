"""Sessions and parts in MongoDB: Beanie documents on PyMongo's async client."""

from .client import open_mongo_sessions

__all__ = ["open_mongo_sessions"]
