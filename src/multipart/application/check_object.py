"""Check a finished object before its session ends."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from ..domain.content_check import SAMPLE_SIZE, ContentCheck, DetectedType, compare_types
from ..domain.errors import (
    ChecksumMismatchError,
    ContentRefusedError,
    StoreRefusedError,
    StoreUnavailableError,
)
from ..domain.policy import UploadPolicy
from ..domain.session import StoredObject, UploadSession
from .ports import ContentDetector, ObjectStore

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CheckObject:
    """Compare an object that the store has assembled with what the client declared."""

    store: ObjectStore
    policy: UploadPolicy
    detector: ContentDetector

    async def detect_type(self, session: UploadSession, found: StoredObject) -> DetectedType | None:
        """Return the detected type, None if it is unknown or not to be detected.

        Raise StoreUnavailableError if a mismatch is to be refused and the object cannot be read:
        the upload must not be completed unchecked.
        """
        if self.policy.content_check is ContentCheck.OFF or not found.size:
            return None
        try:
            head = await self.store.read_start(session.key, SAMPLE_SIZE)
        except (StoreUnavailableError, StoreRefusedError) as error:
            _logger.warning("The type of %s was not checked: %s", session.id, error.code)
            if self.policy.content_check is ContentCheck.REFUSE:
                raise StoreUnavailableError from error
            return None
        return compare_types(session.content_type, self.detector.detect(head or b""))

    def conclude(
        self,
        session: UploadSession,
        found: StoredObject,
        detected: DetectedType | None,
        now: datetime,
    ) -> UploadSession:
        """Return the session as completed or, if its object is refused, as aborting."""
        if session.checksum and found.checksum and session.checksum != found.checksum:
            return session.object_refused(now, checksum=found.checksum)
        refuses = self.policy.content_check is ContentCheck.REFUSE
        if refuses and detected is not None and detected.is_mismatch:
            return session.object_refused(now, detected=detected)
        return session.completed(found, now, self.policy.retention, detected)


def require_accepted(session: UploadSession) -> None:
    """Raise ChecksumMismatchError or ContentRefusedError if the session's object was refused."""
    if not session.is_object_refused:
        return
    if session.refused_checksum is not None:
        raise ChecksumMismatchError(session.checksum or "", session.refused_checksum)
    if session.detected is not None:
        raise ContentRefusedError(session.content_type, session.detected.media_type)
