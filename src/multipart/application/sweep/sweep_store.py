"""Find orphaned and unknown uploads in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ...domain.errors import StoreRefusedError, StoreUnavailableError
from ...domain.object_key import common_prefix, upload_id_in
from ...domain.policy import UploadPolicy
from ...domain.session import UploadSession
from ..ports import ListedUpload, ObjectStore, SessionRepository
from .report import StoreScan, UnknownUpload

MAX_PAGES: Final = 20


@dataclass(frozen=True, slots=True)
class SweepStore:
    """Compare the store's open uploads with the sessions that their keys name.

    A process that dies before it saves the store's answer leaves an orphaned upload: its session
    has ended since, or has another upload. It is aborted by its own key and id. An upload
    whose key names no session is unknown: it is reported and never touched.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy

    async def __call__(self, now: datetime, after: str | None, *, dry_run: bool) -> StoreScan:
        """Compare some pages of uploads older than the grace, starting after the key `after`."""
        scan, prefix = StoreScan(next_after=after), common_prefix(self.policy.key_prefix)
        try:
            for _ in range(MAX_PAGES):
                page = await self.store.scan_uploads(prefix, scan.next_after)
                before = now - self.policy.grace
                old = [upload for upload in page.uploads if upload.initiated_at < before]
                await self._compare(old, scan, now, dry_run=dry_run)
                scan.next_after = page.next_after
                if page.next_after is None:
                    break
        except (StoreUnavailableError, StoreRefusedError):
            scan.is_complete = False
        return scan

    async def _compare(
        self, uploads: Sequence[ListedUpload], scan: StoreScan, now: datetime, *, dry_run: bool
    ) -> None:
        owners = await self._find_owners(uploads)
        for upload in uploads:
            owner = owners.get(upload.key)
            if owner is None:
                scan.unknown_uploads.append(UnknownUpload(upload.key, upload.initiated_at))
            elif _is_orphaned(upload, owner, now):
                if not dry_run:
                    await self.store.abort_upload(upload.key, upload.store_upload_id)
                scan.orphaned_uploads.append(upload.key)

    async def _find_owners(self, uploads: Sequence[ListedUpload]) -> dict[str, UploadSession]:
        # Read after the list, so that a session that has just saved a listed upload is seen.
        named = {upload_id for upload in uploads if (upload_id := upload_id_in(upload.key))}
        owners = await self.sessions.get_many(sorted(named)) if named else []
        return {owner.key: owner for owner in owners}


def _is_orphaned(upload: ListedUpload, owner: UploadSession, now: datetime) -> bool:
    """Return whether its session has ended or has another upload."""
    if owner.state.is_terminal:
        return True
    if owner.is_lost:
        # While a caller opens another upload, this may be it.
        return owner.lease is None or not owner.lease.is_live(now)
    return owner.store_upload_id not in {None, upload.store_upload_id}
