"""Find uploads in the store that no open session owns."""

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

    A process that dies between the store's answer and the row leaves an upload whose session has
    ended by now, or has another. It is aborted by its own key and id. An upload whose key names no
    session is somebody else's: it is told and never touched.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy

    async def __call__(self, now: datetime, after: str | None, *, dry_run: bool) -> StoreScan:
        """Look at some pages of what is older than the grace, beginning behind the key `after`."""
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
        owners = await self._owners(uploads)
        for upload in uploads:
            owner = owners.get(upload.key)
            if owner is None:
                scan.strays.append(UnknownUpload(upload.key, upload.initiated_at))
            elif _is_left_over(upload, owner, now):
                if not dry_run:
                    await self.store.abort_upload(upload.key, upload.store_upload_id)
                scan.leftovers.append(upload.key)

    async def _owners(self, uploads: Sequence[ListedUpload]) -> dict[str, UploadSession]:
        # The rows are read after the list: an upload that a row names by now is found there.
        named = {upload_id for upload in uploads if (upload_id := upload_id_in(upload.key))}
        owners = await self.sessions.get_many(sorted(named)) if named else []
        return {owner.key: owner for owner in owners}


def _is_left_over(upload: ListedUpload, owner: UploadSession, now: datetime) -> bool:
    """Tell whether its session has ended, or needs another upload than this."""
    if owner.state.is_terminal:
        return True
    if owner.is_lost:
        # While somebody opens another, this may be the one.
        return owner.lease is None or not owner.lease.is_live(now)
    return owner.store_upload_id not in {None, upload.store_upload_id}
