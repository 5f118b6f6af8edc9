"""Where everything lies in the folder of the store.

KEY                                     an object
.multipart/objects/HASH.json            its description
.multipart/uploads/HASH/ID/upload.json  an open upload of the key with this hash
.multipart/uploads/HASH/ID/00001        its first part, with its MD5 in the last 16 bytes
.multipart/uploads/HASH/ID/object       the object that is being completed
.multipart/uploads/HASH/ID/object.json  its description: once this exists without `object`,
                                        the upload is completed
.multipart/incoming/                    files of forms that are being received
.multipart/trash/                       folders that are being removed
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from .errors import InvalidKeyError

RESERVED: Final = ".multipart"
OBJECT: Final = "object"
OBJECT_DESCRIPTION: Final = "object.json"
UPLOAD_DESCRIPTION: Final = "upload.json"
_MAX_NAME_BYTES: Final = 255
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below the folder of the store."""

    root: Path

    @property
    def uploads(self) -> Path:
        return self.root / RESERVED / "uploads"

    @property
    def objects(self) -> Path:
        return self.root / RESERVED / "objects"

    @property
    def incoming(self) -> Path:
        return self.root / RESERVED / "incoming"

    @property
    def trash(self) -> Path:
        return self.root / RESERVED / "trash"

    def make_folders(self) -> None:
        """Create the folders of the store."""
        for folder in (self.uploads, self.objects, self.incoming, self.trash):
            folder.mkdir(parents=True, exist_ok=True)

    def uploads_of(self, key: str) -> Path:
        """Return the folder of all uploads of a key."""
        return self.uploads / _hash(key)

    def upload(self, key: str, upload_id: str) -> Path:
        """Return the folder of an upload."""
        return self.uploads_of(key) / (upload_id if upload_id.isalnum() else "unknown")

    def description(self, key: str) -> Path:
        """Return the description of an object."""
        return self.objects / f"{_hash(key)}.json"

    @contextmanager
    def open_folder_of(self, key: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """Open the folder of an object without following links; yield its descriptor and the name.

        Raise FileNotFoundError if it does not exist, and InvalidKeyError for a key that cannot be a
        path below the root.
        """
        *folders, name = split_key(key)
        descriptor = os.open(self.root, _FOLDER & ~os.O_NOFOLLOW)
        try:
            for folder in folders:
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(folder, dir_fd=descriptor)
                        os.fsync(descriptor)
                inner = os.open(folder, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor, name
        finally:
            os.close(descriptor)

    def prune_folders_of(self, key: str) -> None:
        """Remove the folders of a key that are empty."""
        path = self.root.joinpath(*split_key(key))
        for folder in path.parents:
            if folder == self.root:
                return
            try:
                folder.rmdir()
            except OSError:  # not empty, or already removed
                return


def split_key(key: str) -> list[str]:
    """Return the components of a key. Raise InvalidKeyError if it cannot be a path."""
    names = key.split("/")
    for name in names:
        is_special = name in {"", ".", ".."} or "\0" in name
        if is_special or len(name.encode(errors="surrogatepass")) > _MAX_NAME_BYTES:
            raise InvalidKeyError
    # Also where the file system ignores case.
    if names[0].casefold() == RESERVED:
        raise InvalidKeyError
    return names


def part_name(number: int) -> str:
    """Return the file name of a part."""
    return f"{number:05}"


def _hash(key: str) -> str:
    return sha256(key.encode(errors="surrogatepass")).hexdigest()[:40]
