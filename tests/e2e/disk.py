"""A service that stores files in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = "https://app.example.org"


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder, and the settings of a service on a port of its own that uses it."""

    folder: Path
    port: int
    page: str = PAGE

    @property
    def root(self) -> Path:
        return self.folder / "store"

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "OBJECT_STORE": "disk",
            "DISK_STORE_PATH": str(self.root),
            "DISK_STORE_SECRET": "a secret of more than 32 characters",
            "DISK_STORE_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "CORS_ALLOWED_ORIGINS": self.page,
            "WEB_PAGE": "true",
        }
