"""A store in a folder, and its HTTP side without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx

from multipart_upload.adapters.disk import DiskConfig, DiskObjectStore, open_disk_store
from multipart_upload.adapters.disk.http import DiskServer
from multipart_upload.application.ports import NewObject
from multipart_upload.testing.contract.sample_uploads import KEY, new_object

HOUR: Final = timedelta(hours=1)
SECRET: Final = "a secret of more than 32 characters"


@dataclass(frozen=True, slots=True)
class DiskStore:
    """An open store and a client of its HTTP side."""

    root: Path
    store: DiskObjectStore
    http: httpx.AsyncClient

    async def open_upload(self, *bodies: bytes, key: str = KEY) -> tuple[str, NewObject]:
        """Open an upload and put its first parts."""
        new = new_object(key)
        upload_id = (await self.store.create_upload(new)).store_upload_id
        for number, body in enumerate(bodies, 1):
            assert (await self.put(upload_id, number, body, key=key)).status_code == 200
        return upload_id, new

    async def put(
        self, upload_id: str, number: int, body: bytes, *, key: str = KEY
    ) -> httpx.Response:
        signed = await self.store.sign_part(key, upload_id, number, expires_in=HOUR)
        return await self.http.put(signed.url, content=body)

    def leftovers(self) -> list[str]:
        """List the files that are neither objects nor their descriptions."""
        folders = (self.root / ".multipart" / name for name in ("uploads", "incoming", "trash"))
        return [str(path) for folder in folders for path in folder.glob("**/*")]


@asynccontextmanager
async def open_disk(root: Path) -> AsyncIterator[DiskStore]:
    config = DiskConfig(path=root, secret=SECRET, public_url="http://disk")
    async with (
        open_disk_store(config) as store,
        httpx.AsyncClient(transport=httpx.ASGITransport(DiskServer(store))) as http,
    ):
        yield DiskStore(root, store, http)
