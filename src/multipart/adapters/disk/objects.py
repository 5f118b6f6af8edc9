"""Complete uploads and read finished objects. All functions block; call them in a thread."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import md5
from itertools import pairwise
from pathlib import Path
from typing import Final

from ...domain.checksum import combine_crc64nvme, encode_checksum
from ...domain.errors import PartsRefusedError, StoreUploadGoneError
from ...domain.limits import MIB
from ...domain.part import StoredPart
from .descriptions import ObjectDescription, UploadDescription, read_description, write_description
from .files import copy_range, temporary_name
from .layout import OBJECT, OBJECT_DESCRIPTION, UPLOAD_DESCRIPTION, Layout, part_name
from .parts import TRAILER_BYTES, FileWriter, PartTrailer, list_stored_parts
from .uploads import finish_commit, require_open

MIN_PART_SIZE: Final = 5 * MIB
"""S3's, so that a client that works here also works there."""


@dataclass(frozen=True, slots=True)
class FoundObject:
    """A finished object: its description, None if the file is not ours, and its size."""

    description: ObjectDescription | None
    size: int


def complete_upload(
    layout: Layout, key: str, upload_id: str, parts: Sequence[StoredPart]
) -> ObjectDescription:
    """Assemble the object, and return its description.

    Raise StoreUploadGoneError, or PartsRefusedError by S3's rules.
    """
    folder = require_open(layout, key, upload_id)
    try:
        if refusal := _find_refusal(list_stored_parts(folder), parts):
            # The parts may be going just now, together with the upload.
            require_open(layout, key, upload_id)
            raise PartsRefusedError(*refusal)
        upload = read_description(folder / UPLOAD_DESCRIPTION, UploadDescription)
        checksum = encode_checksum(_assemble(folder, parts))
        described = ObjectDescription.of(upload, _multipart_etag(parts), checksum)
        write_description(folder / OBJECT_DESCRIPTION, described)
        # The commit: from here on, the upload is completed.
        _move_to_key(layout, folder / OBJECT, key)
    except FileNotFoundError:
        raise StoreUploadGoneError from None
    finish_commit(layout, key, folder)
    return described


def store_file(layout: Layout, file: FileWriter, upload: UploadDescription) -> str:
    """Store a file that was sent in one request, and return its ETag. Raise InvalidKeyError."""
    described = ObjectDescription.of(upload, file.etag, encode_checksum(file.crc))
    write_description(layout.description(upload.key), described)
    with layout.open_folder_of(upload.key, create=True) as (folder, name):
        file.commit(name, folder)
        os.fsync(folder)
    return file.etag


def find_object(layout: Layout, key: str) -> FoundObject | None:
    """Read a finished object; None if there is none."""
    _finish_commits(layout, key)
    try:
        with layout.open_folder_of(key) as (folder, name):
            stat = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    try:
        described = read_description(layout.description(key), ObjectDescription)
    except FileNotFoundError:
        described = None
    return FoundObject(described, stat.st_size)


def open_object(layout: Layout, key: str) -> int:
    """Open an object for reading and return the descriptor. Raise FileNotFoundError."""
    with layout.open_folder_of(key) as (folder, name):
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)


def read_start(layout: Layout, key: str, size: int) -> bytes | None:
    """Read the first bytes of an object; None if there is none."""
    _finish_commits(layout, key)
    try:
        file = open_object(layout, key)
    except FileNotFoundError:
        return None
    with os.fdopen(file, "rb") as opened:
        return opened.read(size)


def delete_object(layout: Layout, key: str) -> None:
    """Delete an object and its description; do nothing if there is none."""
    _finish_commits(layout, key)
    with suppress(FileNotFoundError), layout.open_folder_of(key) as (folder, name):
        os.unlink(name, dir_fd=folder)
        os.fsync(folder)
    # Afterwards: without its description, an object would have no owner.
    layout.description(key).unlink(missing_ok=True)


def _finish_commits(layout: Layout, key: str) -> None:
    for folder in layout.uploads_of(key).glob("*"):
        finish_commit(layout, key, folder)


def _find_refusal(
    stored: Sequence[StoredPart], wanted: Sequence[StoredPart]
) -> tuple[str, str] | None:
    held = {part.number: part for part in stored}
    if not wanted:
        return "MalformedXML", "there are none."
    if any(part.number not in held or held[part.number].etag != part.etag for part in wanted):
        return "InvalidPart", "a part is not there or has another ETag."
    if any(first.number >= second.number for first, second in pairwise(wanted)):
        return "InvalidPartOrder", "they are not in ascending order."
    if any(held[part.number].size < MIN_PART_SIZE for part in wanted[:-1]):
        return "EntityTooSmall", "a part other than the last is smaller than 5 MiB."
    return None


def _assemble(folder: Path, parts: Sequence[StoredPart]) -> int:
    """Join the parts in the file `object`, and return the CRC of all.

    Raise PartsRefusedError if one was replaced.
    """
    crc = 0
    draft = folder / temporary_name()
    target = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        for part in parts:
            crc = combine_crc64nvme(crc, _append_part(folder, part, target), part.size)
        os.fsync(target)
        draft.rename(folder / OBJECT)
    finally:
        os.close(target)
        draft.unlink(missing_ok=True)
    return crc


def _append_part(folder: Path, part: StoredPart, target: int) -> int:
    source = os.open(folder / part_name(part.number), os.O_RDONLY)
    try:
        size = os.fstat(source).st_size - TRAILER_BYTES
        trailer = PartTrailer.read(source, size)
        if trailer.etag != part.etag:
            raise PartsRefusedError("InvalidPart", "a part was replaced.")
        copy_range(source, target, size)
    finally:
        os.close(source)
    return trailer.crc


def _move_to_key(layout: Layout, file: Path, key: str) -> None:
    while True:
        try:
            with layout.open_folder_of(key, create=True) as (folder, name):
                os.rename(file, name, dst_dir_fd=folder)
                os.fsync(folder)
        except FileNotFoundError:
            # Another process has removed an empty folder of the key, unless the upload has ended.
            if not file.exists():
                raise
        else:
            return


def _multipart_etag(parts: Sequence[StoredPart]) -> str:
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
