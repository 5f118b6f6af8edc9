"""Durable writes: a file is there completely or not at all, also after a power failure."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

TEMPORARY: Final = ".tmp"
"""Ending of files that are being written."""
_COPY_BYTES: Final = 1024 * 1024


def temporary_name() -> str:
    """Return a new name for a file that is being written."""
    return f"{uuid4().hex}{TEMPORARY}"


def sync_folder(folder: Path) -> None:
    """Make created, renamed and removed entries of a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, content: bytes) -> None:
    """Write a small file durably; replace it if it exists."""
    temporary = path.with_name(temporary_name())
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def copy_range(source: int, target: int, count: int) -> None:
    """Append the first `count` bytes of one file to another, inside the kernel if it can."""
    copied = 0
    with suppress(OSError):  # not on this file system: copied below
        while copied < count:
            step = os.copy_file_range(source, target, count - copied, offset_src=copied)
            if step == 0:
                break
            copied += step
    while copied < count:
        piece = os.pread(source, min(_COPY_BYTES, count - copied), copied)
        if not piece:
            msg = "a part is shorter than it was"
            raise OSError(msg)
        view = memoryview(piece)
        while view:
            view = view[os.write(target, view) :]
        copied += len(piece)


def empty_trash(trash: Path, oldest: float) -> None:
    """Remove the folders that have not changed since the time `oldest`."""
    for folder in trash.iterdir():
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
