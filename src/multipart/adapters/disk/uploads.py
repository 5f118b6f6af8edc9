"""Open, list and end uploads in the folder. All functions block; call them in a thread."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from ...application.ports import ListedUpload, NewObject, UploadPage
from ...domain.errors import StoreUploadGoneError
from ...domain.part import StoredPart
from .descriptions import (
    ObjectDescription,
    UploadDescription,
    read_description,
    write_description,
)
from .files import TEMPORARY, empty_trash, sync_folder, temporary_name
from .layout import OBJECT, OBJECT_DESCRIPTION, UPLOAD_DESCRIPTION, Layout, split_key
from .parts import FileWriter, list_stored_parts

PAGE_SIZE: Final = 1000
ABANDONED_SECONDS: Final = 3600
"""A file that nothing has been written to for so long belongs to a killed process."""


def create_upload(layout: Layout, new: NewObject) -> str:
    """Open an upload and return its id. Raise InvalidKeyError."""
    split_key(new.key)
    upload_id = uuid4().hex
    described = UploadDescription.of(new, datetime.now(UTC))
    # Under another name until it is complete.
    draft = layout.trash / upload_id
    draft.mkdir()
    write_description(draft / UPLOAD_DESCRIPTION, described)
    while True:
        folder = layout.uploads_of(new.key)
        folder.mkdir(exist_ok=True)
        # The last upload of the key may end now, and take the folder with it.
        with suppress(FileNotFoundError):
            draft.rename(folder / upload_id)
            sync_folder(folder)
            sync_folder(layout.uploads)
            return upload_id


def open_part(layout: Layout, key: str, upload_id: str) -> FileWriter:
    """Open a file for a part. Raise StoreUploadGoneError if the upload is not open."""
    folder = require_open(layout, key, upload_id)
    try:
        return FileWriter(folder)
    except FileNotFoundError:
        raise StoreUploadGoneError from None


def list_parts(layout: Layout, key: str, upload_id: str) -> list[StoredPart]:
    """Read the parts of an open upload. Raise StoreUploadGoneError."""
    folder = require_open(layout, key, upload_id)
    try:
        parts = list_stored_parts(folder)
    except FileNotFoundError:
        # The upload has ended, or a part was replaced between listing and reading.
        return list_parts(layout, key, upload_id)
    # Some of the parts may be gone already if it has ended meanwhile.
    require_open(layout, key, upload_id)
    return parts


def abort_upload(layout: Layout, key: str, upload_id: str) -> None:
    """Discard an upload; do nothing if it is not open."""
    try:
        folder = require_open(layout, key, upload_id)
    except StoreUploadGoneError:
        return
    with suppress(FileNotFoundError):
        _discard(layout, folder)
        layout.prune_folders_of(key)


def list_uploads(layout: Layout, key: str) -> list[ListedUpload]:
    """Read the open uploads of a key."""
    return list(_read_uploads(layout, layout.uploads_of(key)))


def scan_uploads(layout: Layout, prefix: str, after: str | None) -> UploadPage:
    """Read a page of the open uploads under a prefix, by ascending key.

    Remove what killed processes left: the sweep calls this.
    """
    remove_abandoned(layout)
    found = sorted(
        (
            upload
            for folder in layout.uploads.iterdir()
            for upload in _read_uploads(layout, folder)
            if upload.key.startswith(prefix) and (after is None or upload.key > after)
        ),
        key=lambda upload: upload.key,
    )
    page: Sequence[ListedUpload] = found[:PAGE_SIZE]
    if len(found) <= PAGE_SIZE:
        return UploadPage(page, None)
    # Never a part of one key's uploads: the next page begins after the key.
    last = page[-1].key
    return UploadPage([upload for upload in found if upload.key <= last], last)


def require_open(layout: Layout, key: str, upload_id: str) -> Path:
    """Return the folder of an open upload. Raise StoreUploadGoneError.

    An upload whose complete was interrupted after its commit is finished here.
    """
    folder = layout.upload(key, upload_id)
    if not (folder / UPLOAD_DESCRIPTION).exists() or finish_commit(layout, key, folder):
        raise StoreUploadGoneError
    return folder


def finish_commit(layout: Layout, key: str, folder: Path) -> bool:
    """Finish a complete that was interrupted after its commit; return whether there was one."""
    if not _is_committed(folder):
        return False
    # Another process may finish the same one.
    with suppress(FileNotFoundError):
        (folder / OBJECT_DESCRIPTION).rename(layout.description(key))
        sync_folder(layout.objects)
    with suppress(FileNotFoundError):
        _discard(layout, folder)
    return True


def check_writable(layout: Layout) -> None:
    """Raise OSError unless the folder of the store is there and takes a file."""
    probe = layout.incoming / temporary_name()
    try:
        probe.touch(exist_ok=False)
    finally:
        probe.unlink(missing_ok=True)


def _discard(layout: Layout, folder: Path) -> None:
    """Remove the folder of an upload, all at once for other processes.

    Raise FileNotFoundError if it is not there.
    """
    doomed = layout.trash / uuid4().hex
    folder.rename(doomed)
    sync_folder(folder.parent)
    # Another process may have committed it just before.
    if _is_committed(doomed):
        described = read_description(doomed / OBJECT_DESCRIPTION, ObjectDescription)
        (doomed / OBJECT_DESCRIPTION).rename(layout.description(described.key))
        sync_folder(layout.objects)
    shutil.rmtree(doomed, ignore_errors=True)
    remove_empty_folder(folder.parent)


def _is_committed(folder: Path) -> bool:
    return (folder / OBJECT_DESCRIPTION).exists() and not (folder / OBJECT).exists()


def remove_empty_folder(folder: Path) -> None:
    """Remove a folder if it is empty."""
    with suppress(OSError):
        folder.rmdir()


def remove_abandoned(layout: Layout) -> None:
    """Remove the files and folders that killed processes left."""
    oldest = time.time() - ABANDONED_SECONDS
    empty_trash(layout.trash, oldest)
    for file in layout.incoming.iterdir():
        _remove_if_older(file, oldest)
    for folder in layout.uploads.iterdir():
        for file in folder.glob(f"*/*{TEMPORARY}"):
            _remove_if_older(file, oldest)
        remove_empty_folder(folder)


def _remove_if_older(file: Path, oldest: float) -> None:
    with suppress(FileNotFoundError):
        if file.stat().st_mtime < oldest:
            file.unlink()


def _read_uploads(layout: Layout, folder: Path) -> Iterator[ListedUpload]:
    try:
        upload_ids = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return
    for upload_id in upload_ids:
        with suppress(FileNotFoundError):
            path = folder / upload_id / UPLOAD_DESCRIPTION
            described = read_description(path, UploadDescription)
            if not finish_commit(layout, described.key, path.parent):
                yield ListedUpload(
                    key=described.key,
                    store_upload_id=upload_id,
                    initiated_at=described.initiated_at,
                )
