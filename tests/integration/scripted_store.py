"""A store on a server with prepared answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.application.ports import ObjectStore
from tests.servers.scripted_server import ScriptedServer, scripted_server


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[ObjectStore, ScriptedServer]]:
    """Open a store whose S3 gives these answers one after another."""
    async with scripted_server(*answers) as server:
        config = S3Config(
            bucket="bucket",
            region="us-east-1",
            access_key_id="key",
            secret_access_key="secret",
            endpoint_url=server.endpoint_url,
        )
        async with open_s3_store(config) as store:
            yield store, server
