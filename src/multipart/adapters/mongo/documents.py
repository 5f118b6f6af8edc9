"""Sessions and parts as documents, which never leave this package.

Documents outlive releases. Fields that a later release has added are ignored when a session is
read, and kept when it is saved, except within `plan`, `lease`, `token` and `result`: these are
replaced whole. A field that an earlier release did not write needs a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import uuid4

from beanie import Document
from pydantic import Field
from pymongo import ASCENDING, IndexModel, UpdateOne

from ...domain.content_check import DetectedType
from ...domain.part import Part, PartState
from ...domain.part_plan import PartPlan
from ...domain.session import Lease, SessionState, StoredObject, UploadSession
from ...domain.upload_event import UploadEvent
from ...domain.upload_token import TokenUse
from .outbox import OUTBOX, OUTBOX_INDEX, outbox_entry
from .part_ids import document_filter

# Lists read it backwards. It ascends because secantusdb, on which the tests may run, loses
# documents at an included end of a descending index.
_AGE: Final = (("created_at", ASCENDING), ("_id", ASCENDING))


class SessionDocument(Document):
    """A session; `_id` is our upload id, `write_id` identifies the write of this version."""

    id: str  # type: ignore[assignment]  # Beanie declares the usual ObjectId
    write_id: str = Field(default_factory=lambda: uuid4().hex)
    version: int
    nonce: str | None = None
    user_id: str
    key: str
    filename: str
    content_type: str
    created_at: datetime
    active_at: datetime
    expires_at: datetime
    closes_at: datetime | None = None
    # Pairs, because dots and dollars in field names have a meaning.
    metadata: list[tuple[str, str]] = Field(default_factory=list)
    state: SessionState
    plan: PartPlan | None = None
    max_size: int | None = None
    refused_size: int | None = None
    checksum: str | None = None
    refused_checksum: str | None = None
    store_upload_id: str | None = None
    abort_date: datetime | None = None
    lease: Lease | None = None
    token: TokenUse | None = None
    detected: DetectedType | None = None
    ending: SessionState | None = None
    result: StoredObject | None = None
    retained_until: datetime | None = None
    due_at: datetime | None = None

    class Settings:
        """The collection and its indexes; the shard key is in sharding.js."""

        name = "upload_sessions"
        indexes = (
            IndexModel([("user_id", ASCENDING), ("state", ASCENDING), *_AGE]),
            IndexModel([("user_id", ASCENDING), *_AGE]),
            IndexModel([("due_at", ASCENDING), ("_id", ASCENDING)]),
            # Not a TTL index: it would remove sessions without their parts.
            IndexModel([("retained_until", ASCENDING), ("_id", ASCENDING)]),
            OUTBOX_INDEX,
        )

    @classmethod
    def from_domain(cls, session: UploadSession) -> Self:
        """Make the document for one write of a session."""
        return cls(
            id=session.id,
            version=session.version,
            nonce=session.nonce,
            user_id=session.user_id,
            key=session.key,
            filename=session.filename,
            content_type=session.content_type,
            created_at=session.created_at,
            active_at=session.active_at,
            expires_at=session.expires_at,
            closes_at=session.closes_at,
            metadata=list(session.metadata.items()),
            state=session.state,
            plan=session.plan,
            max_size=session.max_size,
            refused_size=session.refused_size,
            checksum=session.checksum,
            refused_checksum=session.refused_checksum,
            store_upload_id=session.store_upload_id,
            abort_date=session.abort_date,
            lease=session.lease,
            token=session.token,
            detected=session.detected,
            ending=session.ending,
            result=session.result,
            retained_until=session.retained_until,
            due_at=session.due_at,
        )

    def to_domain(self) -> UploadSession:
        return UploadSession(
            id=self.id,
            version=self.version,
            nonce=self.nonce,
            user_id=self.user_id,
            key=self.key,
            filename=self.filename,
            content_type=self.content_type,
            created_at=self.created_at,
            active_at=self.active_at,
            expires_at=self.expires_at,
            closes_at=self.closes_at,
            metadata=dict(self.metadata),
            state=self.state,
            plan=self.plan,
            max_size=self.max_size,
            refused_size=self.refused_size,
            checksum=self.checksum,
            refused_checksum=self.refused_checksum,
            store_upload_id=self.store_upload_id,
            abort_date=self.abort_date,
            lease=self.lease,
            token=self.token,
            detected=self.detected,
            ending=self.ending,
            result=self.result,
            retained_until=self.retained_until,
        )

    def to_insert(self) -> dict[str, Any]:
        """Return the document of a new session."""
        return dict(self.model_dump(by_alias=True))

    def to_update(self, event: UploadEvent | None) -> dict[str, Any]:
        """Return the update from the previous version; fields that are not known here stay."""
        update = {
            "$set": self.model_dump(by_alias=True, exclude={"id", "version"}),
            "$inc": {"version": 1},
        }
        return update if event is None else {**update, "$push": {OUTBOX: outbox_entry(event)}}


class PartDocument(Document):
    """The last report of one part of a session; `_id` has the ids of both, see part_ids.py.

    The sweep removes it with its session. The session's part bitmap is in the same collection, see
    part_bitmap.py.
    """

    id: str  # type: ignore[assignment]  # Beanie declares the usual ObjectId
    session_id: str
    number: int
    etag: str
    size: int | None
    recorded_at: datetime
    state: PartState

    class Settings:
        """The collection, without an index of its own; the shard key is in sharding.js."""

        name = "upload_parts"


PART_FIELDS: Final[Mapping[str, bool]] = {
    "_id": False,
    **dict.fromkeys(("number", "etag", "size", "recorded_at", "state"), True),
}
"""The fields that to_part reads. Decoding the other fields would double the time."""


def to_part(found: Mapping[str, Any]) -> Part:
    """Read the part in a document; docs/adr/0007-beanie-off-the-hot-path.md says why by hand."""
    size = found.get("size")
    return Part(
        number=found["number"],
        etag=found["etag"],
        # PyMongo reads 2 GiB and more as Int64, which msgspec does not encode.
        size=None if size is None else int(size),
        recorded_at=found["recorded_at"].replace(tzinfo=UTC),
        state=PartState(found.get("state", PartState.UPLOADED)),
    )


def part_upsert(upload_id: str, part: Part) -> UpdateOne:
    """Return the update that stores a report in place of an earlier one of its number."""
    report = {
        "number": part.number,
        "etag": part.etag,
        "size": part.size,
        "recorded_at": part.recorded_at,
        "state": part.state.value,
    }
    return UpdateOne(document_filter(upload_id, part.number), {"$set": report}, upsert=True)
