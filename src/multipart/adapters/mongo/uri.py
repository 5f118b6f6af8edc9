"""Check and describe a MongoDB URI, without a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

DEFAULT_DATABASE: Final = "multipart"
_BY_DNS: Final = "mongodb+srv://"


def check_mongo_uri(uri: str) -> None:
    """Raise ValueError, naming MONGO_URI, for a URI that can never work; the URI is not shown."""
    try:
        _parse(uri)
    except (PyMongoError, ValueError):
        msg = "MONGO_URI: not a URI such as mongodb://user:password@host:27017/database"
        raise ValueError(msg) from None


def describe_mongo_database(uri: str, database: str | None) -> str:
    """Return the servers and the database that a URI names, without user and password."""
    parsed = _parse(uri)
    hosts = ",".join(f"{host}:{port}" for host, port in parsed["nodelist"])
    return f"MongoDB at {hosts}/{database or parsed['database'] or DEFAULT_DATABASE}"


def _parse(uri: str) -> Mapping[str, Any]:
    # The rest of such a URI is in DNS, which may not answer.
    return parse_uri(uri.replace(_BY_DNS, "mongodb://", 1), warn=True)
