"""How sessions and parts are stored; a document never leaves this package."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import uuid4

from beanie import Document
from pydantic import Field
from pymongo import ASCENDING, IndexModel, UpdateOne

from ...domain.part import Part, PartState
from ...domain.part_plan import PartPlan
from ...domain.session import Lease, SessionState, StoredObject, UploadSession
from .slots import slot

# Read backwards for the newest first. Ascending all the same: secantusdb, on which the tests may
# run, loses what lies on an included end of a descending index.
_AGE: Final = (("created_at", ASCENDING), ("_id", ASCENDING))


class SessionDocument(Document):
    """A session; `_id` is our upload id, `write_id` names the write that made this version."""

    id: str  # type: ignore[assignment]  # Beanie declares the usual ObjectId
    write_id: str = Field(default_factory=lambda: uuid4().hex)
    version: int
    # Documents of earlier versions have none.
    nonce: str | None = None
    user_id: str
    key: str
    filename: str
    content_type: str
    created_at: datetime
    active_at: datetime
    expires_at: datetime
    closes_at: datetime | None = None
    # Pairs, because dots and dollars in the names of a document's fields mean something.
    metadata: list[tuple[str, str]]
    state: SessionState
    plan: PartPlan | None
    store_upload_id: str | None
    abort_date: datetime | None
    lease: Lease | None
    ending: SessionState | None
    result: StoredObject | None
    retained_until: datetime | None
    due_at: datetime | None

    class Settings:
        """The collection and its indexes; sharding.js has its shard key."""

        name = "upload_sessions"
        indexes = (
            IndexModel([("user_id", ASCENDING), ("state", ASCENDING), *_AGE]),
            IndexModel([("user_id", ASCENDING), *_AGE]),
            IndexModel([("due_at", ASCENDING), ("_id", ASCENDING)]),
            # No TTL index: it would remove a session and leave its parts.
            IndexModel([("retained_until", ASCENDING), ("_id", ASCENDING)]),
        )

    @classmethod
    def from_domain(cls, session: UploadSession) -> Self:
        """Make the document of one more write of a session."""
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
            store_upload_id=session.store_upload_id,
            abort_date=session.abort_date,
            lease=session.lease,
            ending=session.ending,
            result=session.result,
            retained_until=session.retained_until,
            due_at=session.due_at,
        )

    def to_domain(self) -> UploadSession:
        """Give the session."""
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
            store_upload_id=self.store_upload_id,
            abort_date=self.abort_date,
            lease=self.lease,
            ending=self.ending,
            result=self.result,
            retained_until=self.retained_until,
        )

    def inserted(self) -> dict[str, Any]:
        """Give the document that makes the session."""
        return dict(self.model_dump(by_alias=True))

    def next_version(self) -> dict[str, Any]:
        """Give the update that turns the version before into the next."""
        return {
            "$set": self.model_dump(by_alias=True, exclude={"id", "version"}),
            "$inc": {"version": 1},
        }


class PartDocument(Document):
    """The last report of one part of a session; `_id` is made of both, see slots.py.

    It has no lifetime of its own: the sweep removes it with its session. The session's tally is
    in the same collection, see tally.py.
    """

    id: str  # type: ignore[assignment]  # Beanie declares the usual ObjectId
    session_id: str
    number: int
    etag: str
    size: int | None
    recorded_at: datetime
    state: PartState

    class Settings:
        """The collection, which needs no index but `_id`; sharding.js has its shard key."""

        name = "upload_parts"


PART_FIELDS: Final[Mapping[str, bool]] = {
    "_id": False,
    **dict.fromkeys(("number", "etag", "size", "recorded_at", "state"), True),
}
"""What to_part reads; of 10,000 parts the rest takes as long to decode again."""


def to_part(found: Mapping[str, Any]) -> Part:
    """Give the part of a document.

    Neither this nor part_upsert makes a PartDocument: that takes longer than all else about a part.
    """
    return Part(
        number=found["number"],
        etag=found["etag"],
        size=found["size"],
        recorded_at=found["recorded_at"].replace(tzinfo=UTC),
        state=PartState(found["state"]),
    )


def part_upsert(upload_id: str, part: Part) -> UpdateOne:
    """Give the update that puts this report in the place of an earlier one of its number."""
    report = {
        "number": part.number,
        "etag": part.etag,
        "size": part.size,
        "recorded_at": part.recorded_at,
        "state": part.state.value,
    }
    return UpdateOne(slot(upload_id, part.number), {"$set": report}, upsert=True)
