"""Which files the arguments of `mpu put` name."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import click

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Input:
    """A file, or standard input if there is no path."""

    label: str
    path: Path | None

    def open(self) -> Path | BinaryIO:
        """Return the path, or standard input without the buffer that Python locks at its exit."""
        return self.path or open(0, "rb", buffering=0, closefd=False)

    @property
    def size(self) -> int | None:
        """The size of a regular file; None of anything else, or if there is none."""
        if self.path is None or not self.path.is_file():
            return None
        return self.path.stat().st_size


def expand(arguments: Iterable[str]) -> list[Input]:
    """Return each file once. A path that does not exist stays, to be reported as missing."""
    found = (entry for argument in arguments for entry in _expand_one(argument))
    return list(dict.fromkeys(found))


def _expand_one(argument: str) -> Iterator[Input]:
    if argument == STDIN:
        yield Input(STDIN, None)
        return
    is_pattern = glob.has_magic(argument) and not Path(argument).exists()
    # Path.glob takes no absolute patterns.
    matches = sorted(glob.glob(argument, recursive=True)) if is_pattern else []  # noqa: PTH207
    for name in matches or [argument]:
        path = Path(name)
        for file in _files_in(path) if path.is_dir() else [path]:
            yield Input(click.format_filename(file), file)


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and its subfolders. Links to folders are not followed."""
    for parent, subfolders, names in os.walk(folder):
        subfolders.sort()
        yield from (path for name in sorted(names) if (path := Path(parent, name)).is_file())
