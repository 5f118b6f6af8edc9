"""The rows of sessions and parts, read directly from the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient

_SESSIONS: Final = "SELECT id, key, state, store_upload_id FROM upload_sessions"
_PARTS: Final = "SELECT upload_id, number, etag FROM upload_parts"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """What a session row says about its upload in S3."""

    id: str
    key: str
    state: str
    store_upload_id: str | None

    @property
    def is_open(self) -> bool:
        return self.state in {"initiated", "in-progress"}

    @property
    def is_lost(self) -> bool:
        """Return whether S3 has lost the upload, so that the next sign opens another."""
        return self.state == "initiated" and self.store_upload_id is None

    @property
    def is_between(self) -> bool:
        return self.state in {"pending", "completing", "aborting"}


@dataclass(frozen=True, slots=True)
class Rows:
    """All sessions by id, and the ETags of all parts by session and number."""

    sessions: Mapping[str, SessionRow]
    parts: Mapping[tuple[str, int], str]


def mongo_rows(uri: str) -> Rows:
    """Read the collections of the database that the URI names."""
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    with client:
        database = client.get_default_database()
        sessions = [
            SessionRow(found["_id"], found["key"], found["state"], found["store_upload_id"])
            for found in database["upload_sessions"].find()
        ]
        parts = {
            (found["session_id"], found["number"]): found["etag"]
            # Documents with a number of 0 or less are counters, not parts.
            for found in database["upload_parts"].find({"number": {"$gt": 0}})
        }
    return Rows({session.id: session for session in sessions}, parts)


def sqlite_rows(file: Path) -> Rows:
    """Read the tables of a database file, which must pass its integrity check."""
    with closing(sqlite3.connect(file)) as connection:
        ((verdict,),) = connection.execute("PRAGMA integrity_check")
        if verdict != "ok":
            msg = f"the file is damaged: {verdict}"
            raise AssertionError(msg)
        sessions = [SessionRow(*found) for found in connection.execute(_SESSIONS)]
        parts = {
            (upload_id, number): etag for upload_id, number, etag in connection.execute(_PARTS)
        }
    return Rows({session.id: session for session in sessions}, parts)
