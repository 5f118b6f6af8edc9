"""The object store port on one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from itertools import pairwise
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from multipart_upload.application.ports import (
    ListedUpload,
    NewObject,
    OpenedUpload,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from multipart_upload.domain.errors import (
    PartsRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
)
from multipart_upload.domain.part import StoredPart
from multipart_upload.domain.part_plan import PartPlan
from multipart_upload.domain.session import StoredObject
from multipart_upload.domain.store_capabilities import StoreCapabilities

from .signer import MAX_LIFETIME, Signer, expiry

T = TypeVar("T")

MIB = 1024 * 1024
MAX_FILE_SIZE = 16 * MIB
"""Largest file that is sent in one form."""
PAGE_SIZE = 1000
BUSY_SECONDS = 4.0
TABLES = """
CREATE TABLE IF NOT EXISTS uploads
    (id TEXT PRIMARY KEY, key TEXT, owner TEXT, nonce TEXT, content_type TEXT, initiated_at REAL);
CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (key);
CREATE TABLE IF NOT EXISTS parts
    (upload TEXT, number INTEGER, etag TEXT, stored_at REAL, body BLOB,
     PRIMARY KEY (upload, number));
CREATE TABLE IF NOT EXISTS objects
    (key TEXT PRIMARY KEY, id TEXT, etag TEXT, owner TEXT, nonce TEXT, content_type TEXT);
"""


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """Keeps parts and objects as rows; the body of an object is the parts of its id."""

    file: Path
    signer: Signer

    @property
    def capabilities(self) -> StoreCapabilities:
        """Small limits: a row is read into memory."""
        return StoreCapabilities(
            min_part_size=MIB,
            max_part_size=64 * MIB,
            max_object_size=1000 * 64 * MIB,
            max_single_size=MAX_FILE_SIZE,
            max_url_lifetime=MAX_LIFETIME,
            browser_origin=self.signer.public_url,
        )

    async def create_tables(self) -> None:
        """Create what is missing. Several processes may do it at once."""
        await self._run(lambda database: database.executescript(TABLES))

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        """Open an upload."""
        row = (uuid4().hex, new.key, new.upload_id, new.nonce, new.content_type, _now())
        await self._run(
            lambda database: database.execute("INSERT INTO uploads VALUES (?,?,?,?,?,?)", row)
        )
        return OpenedUpload(row[0])

    async def sign_part(
        self,
        key: str,
        store_upload_id: str,
        part_number: int,
        *,
        expires_in: timedelta,
        content_length: int | None = None,
        checksum: str | None = None,
    ) -> SignedPart:
        """Sign a PUT of one part."""
        del checksum  # not supported: see capabilities
        expires_at = expiry(expires_in)
        url = self._sign(key, store_upload_id, part_number, content_length, expires_at)
        headers = {} if content_length is None else {"Content-Length": str(content_length)}
        return SignedPart(url, headers, expires_at)

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
        plan: PartPlan | None = None,
    ) -> SignedParts:
        """Sign a PUT of each part."""
        expires_at = expiry(expires_in)

        def sign(number: int) -> str:
            length = None if plan is None else plan.size_of(number)
            return self._sign(key, store_upload_id, number, length, expires_at)

        return SignedParts(part_numbers, sign, expires_at)

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        """Sign a form for one whole file."""
        expires_at = expiry(expires_in)
        described = (new.key, new.upload_id, new.nonce, new.content_type)
        token = self.signer.sign({"new": described, "max_size": max_size}, expires_at)
        return SignedPost(self.signer.locate(""), {"key": new.key, "token": token}, expires_at)

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        """Read all parts by ascending number."""
        return await self._run(lambda database: _read_parts(database, key, store_upload_id))

    async def put_part(self, key: str, store_upload_id: str, number: int, body: bytes) -> str:
        """Store a part and return its ETag. Raise StoreUploadGoneError. For the server."""
        etag = md5(body, usedforsecurity=False).hexdigest()
        row = (store_upload_id, number, etag, _now(), body)

        def put(database: sqlite3.Connection) -> str:
            _require_open(database, key, store_upload_id)
            database.execute("REPLACE INTO parts VALUES (?,?,?,?,?)", row)
            return etag

        return await self._run(put)

    async def put_object(self, described: Sequence[str | None], body: bytes) -> None:
        """Store a whole file. For the server."""
        key, owner, nonce, content_type = described
        etag, id_ = md5(body, usedforsecurity=False).hexdigest(), uuid4().hex

        def put(database: sqlite3.Connection) -> None:
            database.execute("INSERT INTO parts VALUES (?,1,?,?,?)", (id_, etag, _now(), body))
            _replace_object(database, (key, id_, etag, owner, nonce, content_type))

        await self._run(put)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        """Make the listed parts the body of the object, in one transaction."""

        def complete(database: sqlite3.Connection) -> StoredObject:
            stored = {part.number: part for part in _read_parts(database, key, store_upload_id)}
            if refusal := _refusal(parts, stored):
                raise PartsRefusedError(*refusal)
            listed = {part.number for part in parts}
            unlisted = [(store_upload_id, number) for number in stored.keys() - listed]
            database.executemany("DELETE FROM parts WHERE upload = ? AND number = ?", unlisted)
            digests = b"".join(bytes.fromhex(part.etag) for part in parts)
            etag = f"{md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
            query = "DELETE FROM uploads WHERE id = ? RETURNING owner, nonce, content_type"
            (described,) = database.execute(query, (store_upload_id,)).fetchall()
            _replace_object(database, (key, store_upload_id, etag, *described))
            size = sum(stored[number].size for number in listed)
            return StoredObject(location=self.signer.locate(key), etag=etag, size=size)

        return await self._run(complete)

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        """Discard the upload and its parts."""

        def abort(database: sqlite3.Connection) -> None:
            query = "DELETE FROM uploads WHERE id = ? AND key = ?"
            # The parts of a completed upload are the body of its object.
            if database.execute(query, (store_upload_id, key)).rowcount:
                database.execute("DELETE FROM parts WHERE upload = ?", (store_upload_id,))

        await self._run(abort)

    async def list_uploads(self, key: str) -> list[ListedUpload]:
        """Read the open uploads of a key."""
        query = "SELECT key, id, initiated_at FROM uploads WHERE key = ?"
        return await self._run(
            lambda database: [_listed(row) for row in database.execute(query, (key,))]
        )

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        """Read a page of the open uploads under a prefix."""

        def scan(database: sqlite3.Connection) -> UploadPage:
            query = (
                "SELECT DISTINCT key FROM uploads WHERE substr(key, 1, ?) = ? AND key > ? "
                "ORDER BY key LIMIT ?"
            )
            terms = (len(prefix), prefix, after or "", PAGE_SIZE + 1)
            keys = [key for (key,) in database.execute(query, terms)]
            query = "SELECT key, id, initiated_at FROM uploads WHERE key = ?"
            rows = [row for key in keys[:PAGE_SIZE] for row in database.execute(query, (key,))]
            has_more = len(keys) > PAGE_SIZE
            return UploadPage([_listed(row) for row in rows], keys[-2] if has_more else None)

        return await self._run(scan)

    async def find_abort_age(self, prefix: str) -> timedelta | None:
        """Return None: nothing but the service aborts an upload."""
        del prefix

    async def head_object(self, key: str) -> StoredObject | None:
        """Read a finished object; None if there is none."""

        def head(database: sqlite3.Connection) -> StoredObject | None:
            query = (
                "SELECT etag, owner, nonce, (SELECT sum(length(body)) FROM parts "
                "WHERE upload = objects.id) FROM objects WHERE key = ?"
            )
            found = database.execute(query, (key,)).fetchone()
            if found is None:
                return None
            etag, owner, nonce, size = found
            location = self.signer.locate(key)
            return StoredObject(
                location=location, etag=etag, size=size, upload_id=owner, nonce=nonce
            )

        return await self._run(head)

    async def read_start(self, key: str, size: int) -> bytes | None:
        """Read the first bytes of a finished object; None if there is none."""

        def read(database: sqlite3.Connection) -> bytes | None:
            found = database.execute("SELECT id FROM objects WHERE key = ?", (key,)).fetchone()
            if found is None:
                return None
            head = b""
            # substr of an empty body is NULL.
            query = (
                "SELECT coalesce(substr(body, 1, ?), x'') FROM parts WHERE upload = ? "
                "ORDER BY number"
            )
            for (body,) in database.execute(query, (size, *found)):
                head += body[: size - len(head)]
                if len(head) == size:
                    break
            return head

        return await self._run(read)

    async def delete_object(self, key: str) -> None:
        """Delete a finished object; do nothing if there is none."""

        def delete(database: sqlite3.Connection) -> None:
            found = database.execute("SELECT id FROM objects WHERE key = ?", (key,)).fetchone()
            if found is not None:
                database.execute("DELETE FROM parts WHERE upload = ?", found)
                database.execute("DELETE FROM objects WHERE key = ?", (key,))

        await self._run(delete)

    async def check(self) -> None:
        """Raise StoreUnavailableError unless the file can be read."""
        await self._run(lambda database: database.execute("SELECT 1 FROM uploads LIMIT 1"))

    def _sign(
        self, key: str, upload: str, number: int, length: int | None, expires_at: datetime
    ) -> str:
        terms = {"key": key, "upload": upload, "number": number, "length": length}
        return f"{self.signer.locate(key)}?token={self.signer.sign(terms, expires_at)}"

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a thread, in a transaction of its own."""

        def run() -> T:
            with closing(sqlite3.connect(self.file, BUSY_SECONDS)) as database, database:
                database.execute("BEGIN IMMEDIATE")
                return work(database)

        try:
            return await asyncio.to_thread(run)
        except sqlite3.Error as exc:
            raise StoreUnavailableError(str(exc)) from exc


def _require_open(database: sqlite3.Connection, key: str, upload: str) -> None:
    query = "SELECT 1 FROM uploads WHERE id = ? AND key = ?"
    if database.execute(query, (upload, key)).fetchone() is None:
        raise StoreUploadGoneError


def _read_parts(database: sqlite3.Connection, key: str, upload: str) -> list[StoredPart]:
    _require_open(database, key, upload)
    query = (
        "SELECT number, etag, length(body), stored_at FROM parts WHERE upload = ? ORDER BY number"
    )
    return [
        StoredPart(number=number, etag=etag, size=size, stored_at=_time(stored_at))
        for number, etag, size, stored_at in database.execute(query, (upload,))
    ]


def _refusal(parts: Sequence[StoredPart], stored: dict[int, StoredPart]) -> tuple[str, str] | None:
    """Return the code and the message if the parts cannot be completed."""
    if not parts:
        return "MalformedXML", "there are none."
    if any(part.number not in stored or stored[part.number].etag != part.etag for part in parts):
        return "InvalidPart", "a part is not there or has another ETag."
    if any(first.number >= second.number for first, second in pairwise(parts)):
        return "InvalidPartOrder", "they are not in ascending order."
    if any(stored[part.number].size < MIB for part in parts[:-1]):
        return "EntityTooSmall", "a part other than the last is too small."
    return None


def _replace_object(database: sqlite3.Connection, row: Sequence[str | None]) -> None:
    query = "DELETE FROM parts WHERE upload IN (SELECT id FROM objects WHERE key = ?)"
    database.execute(query, (row[0],))
    database.execute("REPLACE INTO objects VALUES (?,?,?,?,?,?)", row)


def _listed(row: tuple[str, str, float]) -> ListedUpload:
    key, id_, initiated_at = row
    return ListedUpload(key=key, store_upload_id=id_, initiated_at=_time(initiated_at))


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _time(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
