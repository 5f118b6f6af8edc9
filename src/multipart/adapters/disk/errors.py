"""Translate errors of the file system into those of the port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...domain.errors import StoreRefusedError, StoreUnavailableError


class InvalidKeyError(StoreRefusedError):
    """The file system cannot store an object under this key."""

    def __init__(self) -> None:
        super().__init__("InvalidKey")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise StoreUnavailableError, with the reason, instead of an error of the file system."""
    try:
        yield
    except (NotADirectoryError, IsADirectoryError) as exc:
        # A component of the key is a file, or the key is a folder.
        raise InvalidKeyError from exc
    except OSError as exc:
        reason = f"{exc.strerror}: {exc.filename}" if exc.filename else str(exc)
        raise StoreUnavailableError(reason) from exc
