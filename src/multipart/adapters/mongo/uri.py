"""What can be said of a MongoDB URI before anybody is asked."""

from __future__ import annotations

from typing import Final

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

_BY_DNS: Final = "mongodb+srv://"


def check_mongo_uri(uri: str) -> None:
    """Raise ValueError, naming MONGO_URI, for a URI that can never work; nothing is shown of it."""
    if uri.startswith(_BY_DNS):
        # Only DNS knows the rest, and it may be away.
        uri = uri.replace(_BY_DNS, "mongodb://", 1)
    try:
        parse_uri(uri, warn=True)
    except (PyMongoError, ValueError):
        msg = "MONGO_URI: not a URI such as mongodb://user:password@host:27017/database"
        raise ValueError(msg) from None
